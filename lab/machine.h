#pragma once
// The process that is a guest's kernel, with everything that it has started on the real machine.

#include "base/result.h"
#include "base/units.h"

#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

namespace belay::lab {

/// Killed with all its helpers when this object goes. Threads: any.
class Machine {
  public:
    struct Setup {
        std::string kernel;                       ///< the program
        std::vector<std::string> arguments;       ///< the kernel's command line
        std::string console;                      ///< the file that takes what it prints, begun anew
        int line = -1;                            ///< a descriptor that it gets, with the same number
        int network = -1;                         ///< the network namespace that it runs in; -1: ours
        std::string package = "user-mode-linux";  ///< that brings the program
    };

    /// Errors: not_found (there is no such program), io.
    static Result<std::unique_ptr<Machine>> start(const Setup& setup);
    ~Machine();
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    /// Waits until the kernel has ended by itself. Errors: timeout.
    Result<void> await_end(Milliseconds limit);
    /// Stops its kernel where it is, and with it all that asks it for anything; thaw() lets it go on. Its
    /// clocks go on meanwhile.
    void freeze() const;
    void thaw() const;
    /// Ends it at once, helpers and all, and returns when they have let go of the disk images.
    void kill();

  private:
    explicit Machine(pid_t process) : process_(process) {}

    pid_t process_;  ///< the leader of a process group of its own
    bool ended_ = false;
};

}  // namespace belay::lab
