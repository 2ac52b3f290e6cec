#pragma once
// What belayd asks of the message server by its socket (docs/protocol.md, "belay-messages"): Hello, Describe,
// Put, Position, Messages, Heard, Status, End.

#include "message_server/follower.h"
#include "message_server/keeper.h"
#include "message_server/speakers.h"
#include "site/method.h"

#include <functional>
#include <vector>

namespace belay::message_server {

/// What streams of Heard follow.
inline constexpr const char* heard_topic = "heard";

/// All of it outlives the methods, and is called in any thread.
struct Services {
    OpenStore& store;
    Keeper& keeper;
    Speakers& speakers;
    /// Keeps it for the next start, and lets it count. Errors: those of the system.
    std::function<Result<void>(const Described&)> described;
    std::function<Json()> spoken;   ///< {connections, not_wanted}
    std::function<Json()> outputs;  ///< as Feed::status(), of each
    std::function<Json()> journal;  ///< as JournalFollower::status()
    std::function<void()> end;      ///< this program ends in order
};

std::vector<site::Method> methods_of(const Services& services);

/// What is looked for. Errors: usage, naming what is wrong.
Result<framework::messages::Query> read_query(const Json& parameters);

}  // namespace belay::message_server
