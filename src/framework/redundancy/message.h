#pragma once
// What the hosts of a pair say to each other about its lease.

#include "base/json.h"
#include "base/units.h"

#include <cstdint>

namespace belay::framework::redundancy {

using Microseconds = std::chrono::microseconds;
using PairId = int64_t;
using HostId = int64_t;
using ApplicationId = int64_t;

/// How one of a pair could serve.
enum class Fitness {
    absent,  ///< it does not run and is not to, or it has been given up
    coming,  ///< on the way
    ready,
};

struct Message {
    enum class Kind {
        ask,      ///< for a vote, until `lease` after it is received
        vote,     ///< the answer: given, or not
        release,  ///< the votes for this token count no more
        status,   ///< how fit `about` is
    };
    Kind kind = Kind::status;
    PairId pair = 0;
    uint64_t epoch = 0;
    ApplicationId candidate = 0;  ///< who asks; of a vote: who has asked
    uint64_t token = 0;
    Microseconds sent{0};  ///< of the asker's clock; a vote gives it back
    Microseconds lease{0};
    bool given = false;  ///< of a question: it is held already; of a release: it was, and is free now
    uint64_t highest = 0;       ///< of a vote: the highest token that the voter has met
    Microseconds remaining{0};  ///< of a refusal: after that long it might be given
    ApplicationId holder = 0;   ///< of a refusal: for whom; of a release: who is to have it, 0: anybody
    ApplicationId about = 0;    ///< an application of the sender; 0: it has none of this pair
    Fitness fitness = Fitness::absent;

    bool operator==(const Message&) const = default;
};

/// At most 400 bytes.
std::string to_bytes(const Message& message);
/// Errors: corrupt.
Result<Message> message_from(std::string_view bytes);

}  // namespace belay::framework::redundancy
