#pragma once
// The management console of a user-mode kernel: one datagram asks, one or more answer.
// Source: the kernel's arch/um/drivers/mconsole.h.

#include "base/result.h"
#include "base/units.h"

#include <string>
#include <string_view>

namespace belay::lab {

/// Asks the kernel that listens at the socket `path`, as "remove ubd3", and returns what it says.
/// Errors: refused (the kernel says no, with its words), unavailable, timeout, usage (the path is too long),
/// io. Threads: one at a time for each kernel.
Result<std::string> ask_kernel(const std::string& path, std::string_view request, Milliseconds limit);

}  // namespace belay::lab
