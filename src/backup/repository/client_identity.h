#pragma once
// Who a machine is, whatever it is called: an Ed25519 key in a file. Its snapshots bear the tag
// "belay-client=" and the first 32 hexadecimal digits of the SHA-256 of the public key.

#include "base/result.h"

#include <string>

namespace belay::backup {

/// Makes a key, in a new file of mode 0600 with the folders above it; the identity. Errors: refused, where
/// the file is there; those of the system.
Result<std::string> create_identity(const std::string& path);

/// The identity of the key in a file. Errors: not_found; permission, where others may read it; corrupt, where
/// it is no Ed25519 key; those of the system.
Result<std::string> read_identity(const std::string& path);

/// Where the key of this machine lies unless it is said: /var/lib/belay/backup/identity.pem of root, of
/// others below XDG_DATA_HOME, which `data_home` is, or in `home`.
std::string default_identity_file(bool is_root, const std::string& data_home, const std::string& home);

/// The tag of an identity.
std::string tag_of_identity(const std::string& identity);

}  // namespace belay::backup
