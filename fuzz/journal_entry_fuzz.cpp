// Whatever fields an entry of the journal has: it is a message within all limits, of whom journald knows it
// to be, and what journald has seen of the sender cannot be said by the sender.

#include "base/invariant.h"
#include "base/utf8.h"
#include "message_server/journal_entry.h"
#include "message_server/journal_numbers.h"

#include <cstddef>
#include <cstdint>

using namespace belay;
using namespace belay::message_server;
using framework::messages::MessageLimits;

// libFuzzer gives the name. NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    // A field up to each null.
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    JournalEntry entry(Milliseconds(1'790'000'000'000));
    entry.add("_PID=4711");
    for (std::string_view rest = text; !rest.empty();) {
        const size_t end = std::min(rest.find('\0'), rest.size());
        entry.add(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    Identity who;
    who.otherwise.host = "web1";
    who.otherwise.application = "pinger";
    who.otherwise.attributes["program"] = "ping";
    const framework::messages::Message message = message_of(entry, who);
    INVARIANT(message.host == "web1" && message.application == "pinger");
    INVARIANT(message.id == framework::messages::EventId());
    INVARIANT(message.attributes.at("program") == "ping" && message.attributes.at("pid") == "4711");
    INVARIANT(message.text.size() <= MessageLimits::text && is_utf8(message.text));
    INVARIANT(message.attributes.size() <= MessageLimits::attributes);
    for (const auto& [name, value] : message.attributes) {
        INVARIANT(name.size() <= MessageLimits::name && is_utf8(name));
        INVARIANT(value.size() <= MessageLimits::attribute && is_utf8(value));
    }
    const Json json = message;
    INVARIANT(framework::messages::read_message(json, {}).has_value());
    static_cast<void>(entry.service());
    static_cast<void>(number_in(text));
    return 0;
}
