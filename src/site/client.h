#pragma once
// A face's way to belayd: requests over the local socket in Varlink's wire form (JSON objects, each ended by
// a zero byte;
// {"method", "parameters", "more"} there, {"parameters", "continues"} or {"error", "parameters"} back). Any
// Varlink tool can talk to the daemon too. The methods are described in docs/protocol.md.

#include "base/json.h"
#include "base/units.h"

#include <functional>
#include <memory>
#include <string>

namespace belay::site {

/// One connection. Used by one thread at a time; interrupt() by any, and by a signal handler.
class Client {
  public:
    virtual ~Client() = default;

    /// One question, one answer: `method` as "Show". Errors: those of the daemon as it sent them, unavailable
    /// where it is gone.
    virtual Result<Json> call(std::string_view method, const Json& parameters) = 0;

    /// One question, many answers: `each` gets every one and says whether to go on. Ends well when the daemon
    /// says that it was the last one, when `each` says stop, or when interrupted.
    virtual Result<void> stream(std::string_view method, const Json& parameters,
                                const std::function<bool(const Json&)>& each) = 0;

    /// Makes stream() come back; safe in a signal handler.
    virtual void interrupt() = 0;
};

struct ConnectOptions {
    std::string socket;        ///< /run/belay/belayd.sock unless told
    std::string state_folder;  ///< handed to a daemon that is started; empty: its own default
    std::string daemon;        ///< the program to start where none runs; empty: do not start
    /// It is belayd, and is to end for one that systemd or a person starts.
    bool gives_way = false;
};

/// Connects, starting the daemon where it does not run, and makes sure that it is of this version. Errors:
/// permission, unavailable, version, each with what to do.
Result<std::unique_ptr<Client>> connect(const ConnectOptions& options);

}  // namespace belay::site
