#pragma once
// What a start or a stop would do: to which applications, in which order, and why. The same is shown before
// (belay solution plan) and done.

#include "framework/solution/needs.h"
#include "framework/supervision/life.h"

namespace belay::framework::solution {

using supervision::Phase;

/// How the applications of a site stand; one that is not in it is not known to anybody.
using Phases = std::map<Id, Phase>;

struct Move {
    enum class What {
        start,
        stop,
        is_so,  ///< it is as it is to be
        stays,  ///< it would be stopped, and somebody else needs it; or there is nowhere to move it to
        move,   ///< the other of its pair would serve
    };
    Id application = 0;
    std::string name = {}, host = {};
    What what = What::is_so;
    size_t step = 0;        ///< those of the same step are moved at once, lower ones before
    bool mandatory = true;  ///< for its solution
    std::string why = {};   ///< one sentence, where there is something to say

    bool operator==(const Move&) const = default;
};
std::string_view name_of(Move::What what);

struct Moves {
    std::vector<Move> moves;           ///< by their steps
    std::vector<std::string> remarks;  ///< what else a person should know

    /// Those that are to be started or stopped.
    std::set<Id> to_move() const;
};

/// The applications of a solution, in its order, with whether each is mandatory. Errors: not_found.
Result<std::vector<std::pair<Id, bool>>> applications_of(const Configuration& configuration,
                                                         const std::string& solution);

/// Starts them, and what they need first. Threads: any.
Moves moves_to_start(const Configuration& configuration, const std::vector<std::pair<Id, bool>>& applications,
                     const Phases& phases);
/// Stops them, those that need others first. What others need that run stays, unless `also_needed`: then
/// those others are stopped before.
Moves moves_to_stop(const Configuration& configuration, const std::vector<std::pair<Id, bool>>& applications,
                    const Phases& phases, bool also_needed);

/// How a pair stands.
struct Serving {
    Id application = 0;        ///< 0: neither serves
    bool other_ready = false;  ///< the other one could
};
/// Lets the other of each pair serve. `pairs`: by their primaries.
Moves moves_to_other(const Configuration& configuration, const std::vector<std::pair<Id, bool>>& applications,
                     const std::map<Id, Serving>& pairs);

/// Stops all that runs on a host, for somebody is to work on it. Those on other hosts that need something of
/// it go on, and are remarked. Errors: not_found.
Result<Moves> moves_to_clear(const Configuration& configuration, const std::string& host,
                             const Phases& phases);
/// Starts what is wanted there and does not run, when he is done. Errors: not_found.
Result<Moves> moves_to_fill(const Configuration& configuration, const std::string& host, const Phases& phases,
                            const std::set<Id>& wanted);

/// How a solution stands as a whole.
enum class Whole {
    stopped,   ///< none of it runs
    starting,  ///< on the way
    started,   ///< all of it
    degraded,  ///< all that is mandatory; something optional is missing
    impaired,  ///< something mandatory is missing
    stopping,
};
std::string_view name_of(Whole whole);
Whole whole_of(const std::vector<std::pair<Id, bool>>& applications, const Phases& phases);

}  // namespace belay::framework::solution
