#pragma once
// Shells in the guests of a lab, side by side on the terminal of the one who works in it.

#include "base/result.h"
#include "host.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace belay::lab {

/// One guest, and how to start it anew.
struct Seat {
    std::unique_ptr<Host> host;
    std::function<Result<std::unique_ptr<Host>>()> boot;
    int plugged = 0;  ///< disks that were put in from here
};

/// What the key Ctrl-] does, for the person.
std::string shell_help(size_t hosts);

/// Gives the terminal to the shells until the one in sight ends, or Ctrl-] q. Returns the exit code of the
/// last shell. Errors: refused (standard input is no terminal), lost, io.
Result<int> give_terminal(std::vector<Seat>& seats);

}  // namespace belay::lab
