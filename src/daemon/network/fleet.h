#pragma once
// In which order the hosts of pairs that are upgraded together have their turns: never two members of one
// pair at once, and what stands by before what serves, as far as the pairs let that be so.

#include "daemon/pairs.h"
#include "site/rollout/site_plan.h"

#include <map>

namespace belay::daemon {

struct FleetPair {
    std::string name;                 ///< as it was asked for
    std::vector<PairMember> members;  ///< the one that does not serve first
};

/// A host, and all of it that is upgraded in one turn.
struct HostTurn {
    std::string host;
    std::vector<PairMember> members;  ///< those that stand by first
    std::string whole_pair = {};      ///< these are the two of that pair, and nothing else

    bool operator==(const HostTurn&) const = default;
    /// Which of their pairs they are, for a person; empty: of a whole pair.
    std::string role() const;
};

/// Pairs that share hosts, by each other or by further ones: they are upgraded together.
struct Bunch {
    std::vector<size_t> pairs;  ///< by their place among all
    /// The hosts of a turn at the same time, turn after turn; no pair has members on two hosts of one.
    std::vector<std::vector<HostTurn>> turns;
};

/// In the order of their first pairs. Errors: usage (a pair stands there twice, two images on one host).
Result<std::vector<Bunch>> bunches_of(const std::vector<FleetPair>& pairs);

/// Who serves of each pair, while the hosts have their turns.
class Serving {
  public:
    explicit Serving(const std::vector<FleetPair>& pairs);

    /// Those on other hosts that have to serve before this one has its turn, and do not yet. They serve from
    /// then on.
    std::vector<std::string> before(const HostTurn& turn);

  private:
    struct Side {
        bool serves = false;
        std::string other, host_of_other;
    };
    std::map<std::string, Side> sides_;  ///< by application
};

/// A host that has something to do, and what.
struct PlannedTurn {
    HostTurn turn;
    site::MemberPlan plan;
};
using PlannedTurns = std::vector<std::vector<PlannedTurn>>;

/// Puts those turns behind all that is asked for. Before each one whoever has to serve, and can take over
/// from its own side, does.
void add_wave(PlannedTurns wave, Serving& serving, site::SitePlanAsk& ask);

}  // namespace belay::daemon
