#include "message_server/spoken_line.h"

#include "base/utf8.h"

#include <algorithm>

namespace belay::message_server {
namespace {

using framework::messages::Message;

constexpr uint8_t last_own_component = 9;
constexpr std::chrono::hours most_away{24};

/// The answer names it as it came, so it is a number that every JSON has.
constexpr int64_t greatest_sync = int64_t{1} << 53;

}  // namespace

Result<SpokenLine> read_spoken(std::string_view line, const Message& otherwise)
{
    SpokenLine spoken;
    if (!line.starts_with('{')) {
        spoken.message = otherwise;
        spoken.message.text = line.substr(0, framework::messages::MessageLimits::text + 4);
        framework::messages::fit(spoken.message);
        return spoken;
    }
    const Json json = TRY(parse_json(line));
    if (const auto sync = json.find("sync"); sync != json.end()) {
        const bool is_number = sync->is_number_integer() && *sync >= 0 && *sync <= greatest_sync;
        if (!is_number) return fail(ErrorKind::usage, "\"sync\" is no number from 0 to 2^53");
        spoken.sync = sync->get<int64_t>();
        return spoken;
    }
    spoken.message = TRY(framework::messages::read_message(json, otherwise));
    const auto level = json.find("level");
    spoken.has_level =
        level != json.end() && level->is_string() && !level->get_ref<const std::string&>().empty();
    Message& message = spoken.message;
    message.host = otherwise.host;
    message.application = otherwise.application;
    for (const auto& [name, value] : otherwise.attributes) message.attributes[name] = value;
    if (message.at < otherwise.at - most_away || message.at > otherwise.at + most_away)
        message.at = otherwise.at;
    const bool claims_own = message.id.component <= last_own_component && message.id.component > 0;
    if (claims_own) {
        message.attributes["claimed_id"] = to_text(message.id);
        message.id = {};
    }
    return spoken;
}

}  // namespace belay::message_server
