#pragma once
// A Look as the JSON that drivers print, and back.

#include "upgrade/driver/driver.h"

namespace belay::upgrade::driver {

/// One line.
std::string to_text(const Look& look);

/// What a driver printed, which may be anything: one object with all keys of docs/drivers.md, within the
/// limits there. Errors: corrupt, naming the key and what it should be.
Result<Look> parse_look(std::string_view text);

}  // namespace belay::upgrade::driver
