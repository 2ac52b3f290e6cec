#pragma once
// A file under keys/: the repository's master key, sealed with a key that a password makes.
// Source: restic's design document, "Keys, Encryption and MAC".

#include "backup/repository/crypto.h"
#include "base/json.h"

namespace belay::backup {

struct KeyFile {
    std::string created;   ///< RFC 3339
    std::string username;  ///< who made it, and where
    std::string hostname;
    ScryptCost cost;
    std::string salt;    ///< raw bytes
    std::string sealed;  ///< the master key

    /// Seals `master` with a password and a new salt. Errors: failed.
    static Result<KeyFile> make(const MasterKey& master, std::string_view password, const ScryptCost& cost);

    /// The master key. Errors: permission, where the password is not this key's; corrupt.
    Result<MasterKey> unlock(std::string_view password) const;

    /// Errors: corrupt.
    static Result<KeyFile> from_text(std::string_view text);
    std::string to_text() const;
};

}  // namespace belay::backup
