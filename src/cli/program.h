#pragma once
// The command as a process: `belay`, and `belay-site`, which has the network besides.

#include "cli/network.h"

#include <string>
#include <vector>

namespace belay::cli {

/// As run(), with the console of this process and the daemon of this machine.
int run_program(const std::vector<std::string>& words, const Network& network);

}  // namespace belay::cli
