#pragma once
// Who may work on a state folder: one daemon at a time, and not before the commands of the last one have
// ended.
//
// Two locked files: "daemon", which this process alone holds, so that a second daemon knows at once that it
// is one too many; and "lock", which every command inherits and which must stay empty (see host/real.h), so
// that after a killed daemon its commands are waited for.

#include "base/result.h"
#include "host/descriptor.h"

#include <functional>
#include <string>

namespace belay::daemon {

class StateLock {
  public:
    /// Makes the folder (0700) where there is none, and takes both locks. A daemon that gives way is told to
    /// end by one that does not, and its end is waited for: the unit of belayd would else not start as long
    /// as one runs that a command has started meanwhile. Calls `waiting`, once, before it waits for commands
    /// of an earlier daemon. Errors: busy (another daemon, with its process id), those of the system.
    static Result<StateLock> take(const std::string& folder, bool gives_way,
                                  const std::function<void()>& waiting);

    /// The descriptor for host::real_host().
    int inherited() const { return commands_.number(); }

  private:
    StateLock(host::Descriptor daemon, host::Descriptor commands)
        : daemon_(std::move(daemon)), commands_(std::move(commands))
    {
    }

    host::Descriptor daemon_, commands_;
};

}  // namespace belay::daemon
