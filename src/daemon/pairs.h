#pragma once
// The pairs of a site: who of each serves, and letting the other serve by a person's word.

#include "daemon/solutions.h"

namespace belay::daemon {

/// One application of a pair, as it is configured and stands.
struct PairMember {
    std::string application, host, image, user;
    bool serves = false;
};

/// Errors: not_found.
Result<PairMember> member_named(const ApplicationsEverywhere& everywhere, const std::string& application);

/// The two of a pair, by its name or that of one of them; the one that does not serve first. Errors:
/// not_found.
Result<std::vector<PairMember>> members_of_pair(const ApplicationsEverywhere& everywhere,
                                                const std::string& name);

/// Pairs, PairSwitch (docs/protocol.md).
std::vector<site::Method> pair_methods(const ApplicationsEverywhere& everywhere);

}  // namespace belay::daemon
