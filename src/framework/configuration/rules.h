#pragma once
// What the register says of a change that it does not make.

#include "framework/configuration/layout.h"

#include <set>

namespace belay::framework::configuration {

/// "anna by operation 7 at 2027-01-15 08:00:00 UTC (version 2: new hardware)".
std::string told(const HistoryEntry& entry);

/// A name that would be given twice; nothing where there is none.
std::optional<std::string> clash_of_names(const Configuration& configuration, const Delta& delta);

/// What these objects break, a few sentences; nothing where all is well.
std::optional<std::string> broken_rules(const Configuration& configuration, const std::set<Id>& touched);

}  // namespace belay::framework::configuration
