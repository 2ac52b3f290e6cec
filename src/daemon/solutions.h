#pragma once
// The solutions of a site: how each stands, what a start or stop of one would do, and doing it. An order goes
// to the hosts at once; that everything begins and ends in its turn is theirs to see to.

#include "framework/configuration/object.h"
#include "framework/solution/moves.h"
#include "site/method.h"

#include <functional>
#include <map>
#include <memory>
#include <vector>

namespace belay::daemon {

/// The applications of a host, or of all hosts. Threads: any.
struct ApplicationsEverywhere {
    std::function<std::shared_ptr<const framework::configuration::Configuration>()> configuration;
    /// A line for each, as Applications tells them.
    std::function<Json()> lines;
    /// As ApplicationOrder and ApplicationHand. Errors: those of its host.
    std::function<Result<Json>(const site::Call&)> order, hand;
    /// Why a pair cannot serve yet, by its number.
    std::function<std::map<int64_t, std::string>()> pair_problems;
};

/// Solutions, SolutionMoves, SolutionOrder (docs/protocol.md).
std::vector<site::Method> solution_methods(const ApplicationsEverywhere& everywhere);

}  // namespace belay::daemon
