#pragma once
// belayd as a command.

#include "daemon/parts.h"

namespace belay::daemon {

/// Reads the arguments and serves. The exit code: 0 after SIGTERM, 1 where it could not serve, 2 where the
/// arguments make no sense.
int run(int argc, char** argv, const Parts& parts);

}  // namespace belay::daemon
