#pragma once
// What the catalog knows of repositories, clients and snapshots.

#include "backup/catalog/entries.h"

#include <vector>

namespace belay::backup::catalog {

/// A snapshot that bears this tag and the first 32 hexadecimal digits of the SHA-256 of a public key is of
/// the client who holds that key, whatever it is called.
inline constexpr std::string_view identity_tag = "belay-client=";
/// The identity that the first such tag says; empty where none does.
std::string identity_of(const std::vector<std::string>& tags);
/// Whether it is one: 32 hexadecimal digits in lower case.
bool is_identity(std::string_view text);

struct RepositoryEntry {
    Id id;
    std::string location = {};  ///< for people: without passwords
    bool one_client = false;    ///< all its snapshots are of one client, whatever the host is called
    auto operator<=>(const RepositoryEntry&) const = default;
};

struct SnapshotEntry {
    Id repository, id, tree;
    int64_t seconds = 0;  ///< since 1970
    uint32_t nanoseconds = 0;
    int32_t zone_seconds = 0;
    std::string host = {}, user = {};
    std::vector<std::string> paths = {}, tags = {};
    bool operator==(const SnapshotEntry&) const = default;
};

/// A name that a client had, and the times of its first and its last snapshot under it.
struct ClientName {
    std::string host;
    int64_t from = 0, until = 0;
};

/// Who was saved. Where there is no identity it is known by the repository and the host's name there, or, in
/// a repository of one client, by the repository alone.
struct Client {
    int64_t number = 0;
    std::string identity = {};
    std::optional<Id> repository = {};   ///< without an identity
    std::string host = {};               ///< without an identity, unless the repository is of one client
    std::vector<ClientName> names = {};  ///< the one of the newest snapshot first
    uint64_t snapshots = 0;
    std::optional<SnapshotEntry> newest = {};

    /// Its identity, "1f2e3d4c:web1" or "1f2e3d4c": unique in the catalog, and what --client takes.
    std::string key() const;
    /// The name of its newest snapshot.
    std::string shown_name() const { return names.empty() ? host : names.front().host; }
};

}  // namespace belay::backup::catalog
