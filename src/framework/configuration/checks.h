#pragma once
// What must hold in a site as a whole: names and references, prerequisites without a cycle, ports, pairs.

#include "framework/configuration/effective.h"

#include <set>
#include <vector>

namespace belay::framework::configuration {

struct Complaint {
    Id id;                     ///< the object that it is about
    std::string pointer = {};  ///< the value in it, as "/ports/1/port"; empty: the object
    bool error = true;         ///< else a warning
    std::string what;          ///< one sentence that names the object
    Id other = 0;              ///< the object that it is about as well
    bool missing = false;      ///< the value at `pointer` should be there
};

/// All that is wrong with a configuration; with `touched`, all that is wrong because of these objects, be
/// they there or gone. Threads: any.
std::vector<Complaint> check(const Configuration& configuration, const std::set<Id>* touched = nullptr);

bool any_error(const std::vector<Complaint>& complaints);

}  // namespace belay::framework::configuration
