#pragma once
// Whether a server is the one that is known.

#include "base/result.h"

#include <memory>
#include <string>
#include <vector>

struct ssh_key_struct;  // libssh's, NOLINT(readability-identifier-naming)

namespace belay::host::ssh {

struct FreeKey {
    void operator()(ssh_key_struct* key) const;
};
using Key = std::unique_ptr<ssh_key_struct, FreeKey>;

/// "SHA256:..." of a public key, as ssh-keygen -l shows it. Errors: corrupt.
Result<std::string> fingerprint_of(const ssh_key_struct* key);

/// What is known of one server, as fingerprints, and which kinds of keys those are, where they tell.
struct KnownKeys {
    std::vector<std::string> fingerprints;
    std::vector<std::string> kinds;  ///< as "ssh-ed25519"
};
/// Reads lines of public keys ("ssh-ed25519 AAAA...", a comment may follow) and fingerprints ("SHA256:...").
/// Errors: usage (one is neither, or there is none). Threads: any.
Result<KnownKeys> read_known_keys(const std::vector<std::string>& lines);

/// What a server's key may be, as libssh wants it, those of the known ones first. ssh-rsa is the last: its
/// signatures are by SHA-1, and IOS XE before 17 has no others; what is signed is held against a key that is
/// known before.
std::string wanted_kinds(const KnownKeys& known);

}  // namespace belay::host::ssh
