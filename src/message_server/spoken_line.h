#pragma once
// What an application says by the socket, a line each:
//
//     {"id": "20-00010", "level": "standard", "text": "listens at port 7260", "attributes": {"port": "7260"}}
//     {"sync": 7}                        answered by {"kept": 7, "dropped": 0} when all before is on the disk
//     any other text                     a message of level standard without an id
//
// What a line says of its host and application is not listened to: who speaks is known from elsewhere.

#include "framework/messages/message.h"

#include <optional>
#include <string_view>

namespace belay::message_server {

struct SpokenLine {
    framework::messages::Message message = {};
    bool has_level = false;            ///< whether the line says of which level it is
    std::optional<int64_t> sync = {};  ///< then there is no message
};

/// `otherwise`: host, application and time of what says none; of a time that is more than a day from that
/// one, that one. An id of Belay's own components becomes an attribute "claimed_id". Errors: usage, corrupt.
/// Threads: any.
Result<SpokenLine> read_spoken(std::string_view line, const framework::messages::Message& otherwise);

}  // namespace belay::message_server
