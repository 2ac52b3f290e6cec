#pragma once
// One run: a seed decides everything that happens, and the oracle watches.

#include "defects.h"
#include "dice.h"
#include "oracle.h"
#include "plans.h"
#include "statistics.h"

namespace belay::simulation {

struct Options {
    uint64_t seed = 1;
    Defect defect = Defect::none;
    bool explain = false;  ///< keep the story
};

struct Report {
    std::optional<Violation> violation;
    std::vector<std::string> story;
    Statistics statistics;
};

Report run(const Options& options);

/// The command that plays a run again.
std::string replay_command(uint64_t seed);

}  // namespace belay::simulation
