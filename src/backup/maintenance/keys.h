#pragma once
// The keys of a repository: each opens it with a password of its own.

#include "backup/repository/repository.h"

namespace belay::backup {

struct KeyEntry {
    Id id;
    std::string created, username, hostname;
    bool is_current = false;  ///< the one that has opened the repository
};

struct NewKey {
    std::string_view password;
    std::string username = {}, hostname = {};  ///< empty: those of this process
    ScryptCost cost = {};
};

/// All keys, oldest first; those that cannot be read are told to `problem`. Errors: those of the place.
Result<std::vector<KeyEntry>> list_keys(const Repository& repository,
                                        const std::function<void(const Id&, const Error&)>& problem);

/// Adds a key; its id. When it returns, the key has been read back and opened. Errors: usage, where the
/// password is empty; those of the place.
Result<Id> add_key(const Repository& repository, const NewKey& key);

/// Removes a key. Errors: refused, where it is the one that has opened the repository, so that it is never
/// the last; not_found; those of the place.
Result<void> remove_key(const Repository& repository, const Id& key);

/// Adds a key and then removes the one that has opened the repository; the new one's id. Errors: as
/// add_key(); where only the removal fails, both passwords open the repository.
Result<Id> change_password(const Repository& repository, const NewKey& key);

}  // namespace belay::backup
