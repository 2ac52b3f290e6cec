#pragma once

#include "base/result.h"

#include <string>
#include <vector>

namespace belay::lab {

/// Runs a program of the guest, found along PATH. Errors: failed (it ended with something else than 0), what
/// the system says.
Result<void> run_to_end(std::vector<std::string> words);

}  // namespace belay::lab
