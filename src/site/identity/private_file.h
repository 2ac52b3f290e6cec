#pragma once
// Files in STATE/site/, which only their owner may read from their first byte on.

#include "base/result.h"

#include <string>

namespace belay::site {

/// Makes the folder (0700) where it is not there, synced. Errors: those of the system.
Result<void> make_private_folder(const std::string& folder);
/// Replaces or makes a file (0600), synced: at every instant it is there whole, as before or as it is to be,
/// or not at all. Errors: those of the system.
Result<void> write_private(const std::string& path, const std::string& text);

}  // namespace belay::site
