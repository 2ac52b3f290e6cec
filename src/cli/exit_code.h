#pragma once
// The exit codes of `belay`, as docs/cli.md and belay(1) promise them.

#include "base/result.h"

namespace belay::cli {

enum class ExitCode : int {
    done = 0,
    failed = 1,       ///< an operation ended otherwise than it was asked to
    usage = 2,        ///< the request makes no sense
    refused = 3,      ///< a check failed, or the state does not allow it
    busy = 4,         ///< somebody else holds a lock
    not_found = 5,    ///< no such operation, disk or procedure
    permission = 6,   ///< not allowed to
    unavailable = 7,  ///< the daemon does not answer, or is of another version
    io = 8,           ///< the system said no: input or output, no room, damaged data
};

ExitCode exit_code_of(ErrorKind kind);

}  // namespace belay::cli
