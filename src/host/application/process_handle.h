#pragma once
// A process by its pidfd, also one that somebody else has started.

#include "base/result.h"
#include "host/descriptor.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace belay::host {

/// What tells a process from another that was given its number later.
struct ProcessName {
    pid_t pid = 0;
    uint64_t started = 0;  ///< clock ticks since the boot

    bool operator==(const ProcessName&) const = default;
};

/// When the process began; also of one that has ended and was not waited for. Errors: not_found.
Result<uint64_t> start_of(pid_t pid);

/// What one process has of this host.
struct ProcessUse {
    uint64_t memory = 0;  ///< bytes, what it shares with others included
    uint64_t processor_microseconds = 0;
};
/// Nothing: it is gone.
std::optional<ProcessUse> use_of(pid_t pid);

/// A pidfd of this very process. Errors: not_found, where it is gone.
Result<Descriptor> open_process(const ProcessName& name);

/// As waitid(2) tells it.
struct ProcessEnd {
    bool by_signal = false;
    int number = 0;  ///< exit code, or signal
};

/// The end of our child; nothing: it is no child of ours, or has not ended. It can be asked for again, also
/// by whoever becomes its parent when we die.
std::optional<ProcessEnd> end_of(int process);
/// The same, for the last time: the child is then gone for good.
std::optional<ProcessEnd> reap(int process);

/// Whether it has become its program; not, where it still is what has begun it, and that is us or was our
/// like.
bool is_its_program(pid_t pid);

/// Errors: not_found.
Result<void> send_signal(int process, int number);

/// Which processes have a file of that folder as their standard output, by its name; of those that we may
/// look into.
std::map<std::string, std::vector<pid_t>> printing_into(const std::string& folder);

}  // namespace belay::host
