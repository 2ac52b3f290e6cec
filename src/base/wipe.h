#pragma once
// Secrets that were used, and are to be nowhere any more.

#include <string>

namespace belay {

/// Overwrites all memory that a text has, also behind its end, where a longer one may have been; it is empty
/// then. Copies that were made of it are not reached.
void wipe(std::string& text);

}  // namespace belay
