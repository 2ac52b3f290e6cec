#pragma once
// The processes of a supervisor: all that it has started, and what the kernel says they cost.

#include "samples.h"

#include <cstdint>
#include <set>
#include <sys/types.h>

namespace belay::bench {

/// 0: it is gone.
pid_t process_parent(pid_t process);

/// Those that descend from it, itself included; nothing where it is gone.
std::set<pid_t> family_of(pid_t ancestor);

/// Its proportional share of memory, of all of them together, in KiB. Those that are gone count nothing.
uint64_t memory_kib(const std::set<pid_t>& processes);

/// What they have used so far.
struct Activity {
    Nanoseconds processor{0};
    uint64_t wake_ups = 0;  ///< context switches of their threads
};
Activity activity_of(const std::set<pid_t>& processes);

}  // namespace belay::bench
