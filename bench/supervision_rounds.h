#pragma once
// Supervisors in turns: how soon their components run, and run again, and what it costs.

#include "base/units.h"
#include "supervision_supervisors.h"
#include "table.h"

namespace belay::bench {

struct SupervisionSizes {
    size_t components = 1000;
    size_t rounds = 3;
    size_t kills = 200;  ///< of different components, in each round
    Milliseconds idle = std::chrono::seconds(10);
    bool marks_only = false;  ///< the loop and Belay alone
};

struct SupervisionTables {
    std::vector<Row> marks;                             ///< Belay beside the loop
    std::vector<std::vector<std::string>> supervisors;  ///< all of them; the first line is the heading
};

/// Errors: those of what is measured; a supervisor other than these two that cannot be measured is said so in
/// its line.
Result<SupervisionTables> measure_supervision(const ScratchFolder& folder, const std::string& programs,
                                              const SupervisionSizes& sizes);

}  // namespace belay::bench
