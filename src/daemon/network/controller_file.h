#pragma once
// That this machine is a controller, kept in STATE/site/controller.json, so that it is one at its next start
// as well, whoever starts it.

#include "daemon/place.h"

namespace belay::daemon {

/// HOST:PORT or [ADDRESS]:PORT. Errors: usage.
Result<void> check_address(std::string_view address);

/// What was given is kept; where nothing was, what is kept counts. Empty: this machine is no controller.
/// Errors: usage (an address), corrupt, those of the system.
Result<ControllerAddress> keep_address(const std::string& state_folder, const ControllerAddress& given);

/// Whether there was one.
Result<bool> forget_address(const std::string& state_folder);

}  // namespace belay::daemon
