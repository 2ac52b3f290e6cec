#pragma once
// A new key for the secrets of the configuration, in three acts: it is made beside the old one, everything is
// sealed anew by it, and the old one is dropped. Until the last of them whatever is there can be opened.

#include "framework/configuration/actions.h"

namespace belay::framework::configuration {

void fill_keys(operation::Catalogue& catalogue, const Site& site);

/// Whether these keys open every secret that there is.
bool open_all(const KeyRing& keys, const Configuration& configuration);

/// Makes a key that seals from now on, unless another than `had` does already. The way back makes `had` seal
/// again; the new key stays in the file, for something may have been sealed by it meanwhile.
operation::Act make_new_key(const std::string& had);
/// Seals every secret by the key that seals now, as one change of the configuration. `key` and `lock` as of
/// write_change().
operation::Act seal_anew(const std::string& key, const std::string& lock);
/// Drops every key but the one that seals. Fails while something in the site, or in a change that may still
/// be taken back, needs another.
operation::Act drop_old_keys();

}  // namespace belay::framework::configuration
