#pragma once
// Starts belayd for somebody who needs it, as a process that outlives its starter, and learns how the start
// went.
//
// The child writes to one pipe: on its standard error what it has to say, and on --ready-fd one line, "ready"
// or an Error as JSON. It then lets go of the pipe.

#include "base/result.h"

#include <string>
#include <string_view>

namespace belay::site {

constexpr std::string_view ready_line = "ready\n";

struct StartOptions {
    std::string program;
    std::string socket;
    std::string state_folder;
    bool gives_way = false;  ///< of belayd: to one that systemd or a person starts
};

/// Comes back when the daemon listens. It has a session of its own, "/" as its folder, no terminal, no open
/// file of ours and nothing of our environment. Errors: the one that it reported (busy: another daemon
/// serves this state folder, or the commands of one that is gone still run), else unavailable with what it
/// said. Threads: any; the daemon stays a child of this process.
Result<void> start_daemon(const StartOptions& options);

}  // namespace belay::site
