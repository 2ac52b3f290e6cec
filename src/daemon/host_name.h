#pragma once

#include <string>

namespace belay::daemon {

/// What this machine calls itself; empty where the system does not say.
std::string host_name();

}  // namespace belay::daemon
