#pragma once
// One question to the kernel by netlink(7), and its answers.

#include "base/result.h"

#include <functional>
#include <libmnl/libmnl.h>

namespace belay::host {

/// Sends `question`, which has its header, and hands each message of the answer to `each`. Errors: those of
/// the system, as the kernel says them; io, no socket. Threads: any.
Result<void> ask_kernel(int family, nlmsghdr& question, const std::function<void(const nlmsghdr&)>& each);

}  // namespace belay::host
