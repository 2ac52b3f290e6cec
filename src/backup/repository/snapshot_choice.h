#pragma once
// Which snapshots are meant: by host, path and tags; by the beginning of an id; "latest".

#include "backup/repository/snapshot.h"

#include <span>

namespace belay::backup {

struct SnapshotFilter {
    std::vector<std::string> hosts = {};  ///< of any of these; none: of any
    std::vector<std::string> paths = {};  ///< with all of these
    std::vector<std::vector<std::string>> tags =
        {};  ///< with all tags of any of these lists; "" in a list: with none

    bool matches(const Snapshot& snapshot) const;
};

/// The snapshot that `said` means: "latest" of those that the filter lets through, or the beginning of an id.
/// `all` are sorted by time. Errors: not_found; usage, where several ids begin so.
Result<Snapshot> choose_snapshot(std::span<const Snapshot> all, std::string_view said,
                                 const SnapshotFilter& filter);

/// Every snapshot that is meant: those said, each once, or, where none is said, all that the filter lets
/// through. Errors: those of choose_snapshot.
Result<std::vector<Snapshot>> choose_snapshots(std::span<const Snapshot> all,
                                               const std::vector<std::string>& said,
                                               const SnapshotFilter& filter);

/// The latest snapshot of the host with all these paths that is not newer than `time`: what a new one is
/// compared with. With an identity: of the client who has it, whatever the host was called; where there is
/// none, of a host of this name who had no identity yet.
std::optional<Snapshot> parent_of(std::span<const Snapshot> all, const std::string& host,
                                  const std::vector<std::string>& paths, const Timestamp& time,
                                  const std::string& identity = {});

}  // namespace belay::backup
