#pragma once
// Pairs in turns: how long nobody serves when something fails, and whether anything fails that should not.

#include "base/units.h"
#include "table.h"

namespace belay::bench {

struct FailoverSizes {
    int rounds = 20;                               ///< of each case, of Belay
    int peer_rounds = 10;                          ///< of each case, of each other
    Milliseconds rest = std::chrono::seconds(10);  ///< in which nothing happens
    Milliseconds hogs = std::chrono::minutes(10);  ///< for which they run; 0: none of it
    bool marks_only = false;                       ///< Belay alone
};

struct FailoverTables {
    std::vector<Row> marks;                       ///< Belay, beside the fastest of the others
    std::vector<std::vector<std::string>> pairs;  ///< all of them; the first line is the heading
    std::vector<std::vector<std::string>> hogs;   ///< the same, of those that ran beside them; may be empty
};

/// `folder`: in memory. Errors: those of what is measured.
Result<FailoverTables> measure_failover(const std::string& folder, const std::string& programs,
                                        const FailoverSizes& sizes);

}  // namespace belay::bench
