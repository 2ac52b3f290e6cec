#pragma once
// What is measured: programs that keep components running, each started in the same way and asked the same.

#include "base/result.h"
#include "scratch_folder.h"
#include "supervision_beginnings.h"

#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

namespace belay::bench {

/// One of them, with components that are not started yet. Ends with all its processes; for that this process
/// must be the one that orphans fall to (adopt_orphans()).
class MeasuredSupervisor {
  public:
    virtual ~MeasuredSupervisor() = default;
    /// Orders all components to be started; where it can say that they are, comes back when it says so.
    virtual Result<void> start() = 0;
    /// Of its first process, from which all others descend; after start().
    virtual pid_t pid() const = 0;
};

enum class SupervisorKind { loop, belay, runit, s6, supervisord };
std::string_view name_of(SupervisorKind kind);
/// Those whose programs are there; the loop and Belay first.
std::vector<SupervisorKind> supervisors_here();

/// What all of them are given.
struct Ground {
    const ScratchFolder& folder;  ///< on a disk, for programs
    std::string programs;         ///< the folder that this program, its component and belay-supervisor lie in
    const Beginnings& beginnings;
    size_t components = 0;
};
/// Errors: those of its programs and of the system.
Result<std::unique_ptr<MeasuredSupervisor>> prepare(SupervisorKind kind, const Ground& ground);

/// To be called once, before anything is started.
Result<void> adopt_orphans();

}  // namespace belay::bench
