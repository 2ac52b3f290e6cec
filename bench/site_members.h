#pragma once
// One controller and many members: what it costs, and how soon a change has reached all of them.

#include "base/result.h"
#include "scratch_folder.h"

#include <string>
#include <vector>

namespace belay::bench {

/// Lines of a table, the first its heading: one for each number of members, each with a controller of its own
/// and agents in other processes, over TLS on loopback. A number for which the system has no room is said so
/// in its line. `program`: this one. Errors: those of the programs.
Result<std::vector<std::vector<std::string>>> measure_members(const ScratchFolder& folder,
                                                              const std::string& program,
                                                              const std::vector<size_t>& numbers);

/// What runs in the other processes, until nobody asks any more.
Result<void> serve_as_controller(const std::string& folder);
Result<void> serve_as_agents(const std::string& file, size_t from, size_t count);

}  // namespace belay::bench
