#pragma once
// A program that is run to its end, and what it cost.

#include "base/result.h"
#include "samples.h"

namespace belay::bench {

struct Cost {
    Taken time;
    uint64_t peak_memory = 0;  ///< bytes
};

struct Call {
    std::vector<std::string> argv;              ///< the first is a path
    std::string folder = {};                    ///< that it works in; empty: that of this process
    std::vector<std::string> environment = {};  ///< "NAME=value", besides that of this process
    std::string log = "/dev/null";              ///< gets what it says
};

/// What was written before is on the disk first, so that nobody pays for it who did not write it. The peak of
/// memory is that of the program, and no less than this process has itself: so this one keeps little in
/// memory. Errors: failed, with the end of what it said, where it ended otherwise than with 0; those of the
/// system. Threads: one.
Result<Cost> measure(const Call& call);

}  // namespace belay::bench
