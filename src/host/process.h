#pragma once
// Commands as processes of this machine.
//
// A child gets: no shell, the fixed search path, LC_ALL=C and PATH as its whole environment, "/" as its
// folder, a session of its own (so it is its own process group, and cannot ask on our terminal), default
// signals, no open file but 0, 1, 2 and the inherited lock.
//
// A command ends when its process does. What a process left behind by it writes later is not waited for.
//
// At the limit the process group gets SIGTERM, a second later SIGKILL. A process that made a session of its
// own escapes this. One that sits in the kernel, on a disk that does not answer, does not die of SIGKILL
// either: the call then comes back all the same (timeout), and the child is reaped by a later run.
//
// Why posix_spawn: the daemon has threads, and between fork and exec nearly nothing is allowed there.

#include "host/host.h"

#include <mutex>
#include <optional>
#include <sys/types.h>
#include <vector>

namespace belay::host {

/// Threads: any. The process must not ignore SIGCHLD and must not wait for children that are not its own.
class Processes {
  public:
    /// `inherited_lock`: see real_host(). Not owned.
    explicit Processes(std::optional<int> inherited_lock);

    /// As Host::run. Output beyond the limit (corrupt): a command that only reads is killed at once, one that
    /// changes something runs to its end first. Errors besides those: usage, permission, io.
    Result<Outcome> run(const Command& command);

  private:
    void reap_abandoned();

    std::optional<int> inherited_lock_;
    std::mutex mutex_;
    std::vector<pid_t> abandoned_;  ///< killed, but still in the kernel when we gave up
};

}  // namespace belay::host
