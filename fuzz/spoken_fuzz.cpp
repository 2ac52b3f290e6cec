// Whatever a process may send to the socket of speakers: it is cut into lines, each is no message or one that
// is within all limits, of whom it is known to be.

#include "base/invariant.h"
#include "base/utf8.h"
#include "message_server/lines.h"
#include "message_server/spoken_line.h"
#include "message_server/time_text.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace {

using namespace belay;
using namespace belay::message_server;
using framework::messages::Message;
using framework::messages::MessageLimits;

void look_at(std::string_view line)
{
    static const Message speaker{.at = Milliseconds(1'790'000'000'000),
                                 .host = "web1",
                                 .application = "pinger",
                                 .attributes = {{"program", "ping"}}};
    if (const auto at = time_at_front(line)) INVARIANT(time_at_front(time_text(*at)).has_value());
    const Result<SpokenLine> spoken = read_spoken(line, speaker);
    if (!spoken || spoken->sync) return;
    const Message& message = spoken->message;
    INVARIANT(message.host == "web1" && message.application == "pinger");
    INVARIANT(message.attributes.at("program") == "ping");
    INVARIANT(message.id.component == 0 || message.id.component > 9);
    INVARIANT(message.text.size() <= MessageLimits::text && is_utf8(message.text));
    // Two are of the server's own making.
    INVARIANT(message.attributes.size() <= MessageLimits::attributes + 2);
    const Json json = message;
    INVARIANT(framework::messages::read_message(json, {}).has_value());
}

}  // namespace

// libFuzzer gives the name. NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    LineRoom room{.left = 64 << 10};
    {
        Lines lines(room);
        // In pieces of a length that the input says.
        const size_t piece = size == 0 ? 1 : 1 + data[0];
        for (size_t at = 0; at < size; at += piece) lines.feed(text.substr(at, piece), look_at);
        lines.finish(look_at);
    }
    INVARIANT(room.left == 64 << 10);
    return 0;
}
