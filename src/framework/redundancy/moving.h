#pragma once
// What the hosts of a pair say to each other about its address while that moves from one to the other, in
// good order. Who serves has no part in it: that is the lease's matter alone.
//
//     the host that gives                       the host that takes
//     prepare, again and again  ─────────────►  has the address beside the other, passes old connections on
//                               ◄─────────────  ready, or refused
//     over, called_off          ─────────────►  ends that
//
// A host that does not know these words does not answer, and the address moves as it did before.

#include "framework/redundancy/message.h"

#include <string>
#include <vector>

namespace belay::framework::redundancy {

struct Moving {
    enum class Kind {
        prepare,  ///< counts for a few seconds
        ready,
        refused,
        over,        ///< the address is the other's, as the lease is
        called_off,  ///< it stays where it was
    };
    Kind kind = Kind::prepare;
    PairId pair = 0;
    uint64_t epoch = 0;
    ApplicationId giver = 0;
    uint64_t token = 0;  ///< of the giver's lease
    std::vector<std::string> addresses =
        {};                   ///< of the sender at the interface, the best first; IP addresses
    std::string reason = {};  ///< of refused: a sentence

    bool operator==(const Moving&) const = default;
};

/// At most 1000 bytes: what is too long is left out.
std::string to_bytes(const Moving& moving);
/// Errors: corrupt.
Result<Moving> moving_from(std::string_view bytes);

}  // namespace belay::framework::redundancy
