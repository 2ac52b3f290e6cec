#pragma once
// The pairs of a site: who of each serves, and letting the other serve by a person's word.

#include "daemon/solutions.h"

namespace belay::daemon {

/// Pairs, PairSwitch (docs/protocol.md).
std::vector<site::Method> pair_methods(const ApplicationsEverywhere& everywhere);

}  // namespace belay::daemon
