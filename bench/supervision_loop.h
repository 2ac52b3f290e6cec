#pragma once
// The least that can be called a supervisor: posix_spawn for each component, and again when it has ended.

#include "base/result.h"

#include <string>
#include <vector>

namespace belay::bench {

/// Begins when a byte comes on descriptor 3, answers with one when all are started, and goes on for ever.
/// Errors: those of the system.
Result<void> serve_as_loop(const std::string& component, const std::vector<std::string>& arguments);

}  // namespace belay::bench
