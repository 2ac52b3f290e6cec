#pragma once
// One vote for the lease of a pair. It is given to one at a time, and for a time: who has the votes of more
// than half of the voters is the only one who has. It has no clock: who drives it says what time it is.

#include "framework/redundancy/message.h"

#include <algorithm>

namespace belay::framework::redundancy {

/// What a voter must still know when its program is started anew.
struct Vote {
    ApplicationId candidate = 0;  ///< 0: nobody
    uint64_t token = 0;           ///< of its lease
    uint64_t highest = 0;         ///< that was ever met
    Microseconds until{0};
    /// Where its votes of before are not known it gives none while one of them may count.
    Microseconds silent_until{0};
};

/// Threads: one.
class Voter {
  public:
    explicit Voter(const Vote& vote) : vote_(vote) {}

    struct Answer {
        bool given = false;
        Microseconds remaining{0};  ///< where not: after that long it might be
        ApplicationId holder = 0;   ///< where not: for whom
    };
    /// Gives its vote where it is given to nobody else. A new lease has a higher token than each before it;
    /// one that goes on has the same.
    Answer ask(ApplicationId candidate, uint64_t token, Microseconds lease, Microseconds now);
    void release(ApplicationId candidate, uint64_t token);

    const Vote& vote() const { return vote_; }
    /// 0: to nobody.
    ApplicationId given_to(Microseconds now) const { return now < vote_.until ? vote_.candidate : 0; }

  private:
    Vote vote_;
};

}  // namespace belay::framework::redundancy
