#pragma once
// Who votes for the lease of each pair: the hosts of its two applications, and a third one. The controller
// that leads says so, and keeps it in the site's store; the hosts go on without it.
//
//     pairs/12     {"epoch": 3, "members": [{"host", "key", "port"}], "closing": false, "left": 0}
//
// Where the hosts of the two are to be others, those who vote until then give no more votes first (closing):
// when more than half of them have said so and a lease has passed, nobody can hold it by their votes any
// more, and the new ones begin, with a higher epoch. Where only the third is another, nobody has to stop: the
// two vote alone in between, until both have said that they do, or the one that has left that it does not
// vote.

#include "base/units.h"
#include "framework/configuration/object.h"
#include "store/store.h"

#include <map>
#include <optional>
#include <string>

namespace belay::daemon {

/// What a host has said of itself; all of it may be missing.
struct VotingHost {
    Json key = {};               ///< {"key", "port"}, as of belay-supervisor's PairKey
    Json pairs = Json::array();  ///< [{"pair", "epoch", "retired"}]: what it goes by
    bool attached = false;
};

/// Threads: one at a time.
class Electorates {
  public:
    struct Told {
        std::map<std::string, Json> hosts = {};  ///< by their names: as of belay-supervisor's Pairs
        bool is_whole = true;                    ///< else the hosts are to go by what they were told before
        std::map<int64_t, std::string> problems =
            {};  ///< of pairs, by their numbers: why they cannot serve yet
        std::optional<Milliseconds> again_after = {};  ///< something is to be looked at then
    };
    /// `own_host`: of this controller, which votes first where it is none of the two. Errors of the store are
    /// problems of the pairs.
    Told told(store::Store& store, const framework::configuration::Configuration& configuration,
              const std::map<std::string, VotingHost>& hosts, const std::string& own_host, Milliseconds now);

  private:
    std::map<int64_t, Milliseconds> closed_at_;
};

}  // namespace belay::daemon
