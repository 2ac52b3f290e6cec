#pragma once
// Upgrades by each of the ways, under the same load: what is lost, and how long it takes.

#include "base/result.h"
#include "table.h"

#include <string>
#include <vector>

namespace belay::bench {

struct UpgradeSizes {
    int rounds = 10;          ///< upgrades by each way
    bool marks_only = false;  ///< Belay alone
};

struct UpgradeTables {
    std::vector<Row> marks;                        ///< Belay, beside others
    std::vector<std::vector<std::string>> ways;    ///< all of them; the first line is the heading
    std::vector<std::vector<std::string>> phases;  ///< of Belay's; the same
};

/// `folder`: in memory. `server`: the file of examples/web-pair. Errors: those of what is measured.
Result<UpgradeTables> measure_upgrades(const std::string& folder, const std::string& programs,
                                       const std::string& server, const UpgradeSizes& sizes);

}  // namespace belay::bench
