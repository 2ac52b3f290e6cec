#pragma once

#include "base/result.h"

namespace belay::lab {

/// What process 1 of a guest is: signals, file mode and environment as of a root shell, then `work`, then
/// the power off; says why, where `work` failed. Returns only where the kernel does not let it.
int as_process_one(Result<void> (*work)());

}  // namespace belay::lab
