#pragma once
// The start of a child process with its three pipes.

#include "host/descriptor.h"
#include "host/host.h"

#include <optional>
#include <sys/types.h>

namespace belay::host {

/// A child that was started and must be reaped, with our ends of its pipes, which do not block.
struct Child {
    pid_t pid = -1;  ///< its session and process group too
    Descriptor in;   ///< none where the command has no input
    Descriptor out;
    Descriptor err;
};

/// Starts the command; `inherited_lock`: see real_host().
/// Errors: usage (no bare name, or a zero byte in it), not_found, permission, io. Threads: any.
Result<Child> spawn(const Command& command, std::optional<int> inherited_lock);

}  // namespace belay::host
