#pragma once
// What an operation does to the configuration of a site: it writes a change, and confirms it. The actions are
// given their site when they are made, for it is in the store and not on the host.

#include "framework/configuration/register.h"
#include "framework/configuration/seal.h"
#include "operation/act.h"

namespace belay::framework::configuration {

/// The configuration that procedures and actions work on. All of it outlives them.
struct Site {
    store::Store& store;
    Register& configuration;
    std::string key_file;            ///< read whenever it is needed: there may be a new key
    ShareKeys share_keys = nullptr;  ///< of that file
};

/// Adds the actions, conditions and fingerprints of this header.
void fill(operation::Catalogue& catalogue, const Site& site);

/// Writes a change; the way back is a change as well. `key` is of this change alone, `lock` one that the
/// operation holds: who holds it is written down as the one who changed it. Errors: usage (too large).
Result<operation::Act> write_change(const Delta& delta, const std::string& key, const std::string& lock,
                                    std::vector<std::string> lines);
/// From then on it can be taken back no more.
operation::Act confirm_change(const std::string& key);

/// Nobody has changed these objects since a version.
operation::Question is_unchanged(Version since, const std::set<Id>& ids);
/// These objects, and those of the names that it makes, for the comparison after an abort.
operation::Question objects_of(const Delta& delta);

/// "config:application/12", or "config:many" where there are many: then the register alone keeps two apart.
std::vector<std::string> locks_of(const Delta& delta);

}  // namespace belay::framework::configuration
