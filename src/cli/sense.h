#pragma once

#include "cli/invocation.h"

namespace belay::cli {

/// What a command cannot do without, and what does not go together. Errors: usage.
Result<void> check_sense(const Invocation& asked);

}  // namespace belay::cli
