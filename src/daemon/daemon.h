#pragma once
// belayd: the engine, its journal, and a socket by which faces talk to it.

#include "daemon/parts.h"
#include "site/log.h"
#include "site/readiness.h"

#include <string>

namespace belay::daemon {

struct Options {
    std::string state_folder = "/var/lib/belay";
    /// A command has started it, for there was none: it ends for one that is started otherwise.
    bool gives_way = false;
    std::string socket = "/run/belay/belayd.sock";
    std::string alarm_command;  ///< a program that is told of each alarm; a bare name, empty: none
    std::string image_keys = "/etc/belay/image-keys";  ///< the folder of those whose images are taken
    bool says_messages = true;  ///< what happens is said to belay-messages, which is beside this program
    bool raises_alarms = true;  ///< those of the site, or of a machine that is alone
    ControllerAddress controller;
    Milliseconds connect_timeout = std::chrono::seconds(20);  ///< of a member that dials
};

/// How a daemon ended.
enum class Ending {
    for_good,
    to_begin_anew,  ///< a controller that leads no longer: its program is to be run again
};

/// Serves until SIGTERM or SIGINT, then finishes the step that every operation is at and comes back; the
/// operations go on at the next start. Takes over the process: its signals, its umask. To be called before
/// there is another thread. Errors: why it could not start, already given to `readiness`.
Result<Ending> serve(const Options& options, const Parts& parts, site::Readiness& readiness, site::Log& log);

}  // namespace belay::daemon
