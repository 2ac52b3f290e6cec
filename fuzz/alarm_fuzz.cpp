// What people write about alarms: texts to be filled in, addresses, variables. And whatever events come, what
// the detector keeps is bounded.

#include "base/invariant.h"
#include "base/utf8.h"
#include "framework/alarms/detector.h"
#include "framework/alarms/template.h"
#include "framework/configuration/endpoint.h"

#include <cstddef>
#include <cstdint>

namespace {

using namespace belay;
using namespace belay::framework;

/// Each byte is an event, and how much time passes before it.
void feed(std::string_view bytes)
{
    alarms::Condition once{.name = "once", .detect = alarms::EventCount{.id = {1, 1}}};
    once.clear_event = messages::EventId{1, 2};
    const alarms::Condition often{
        .name = "often", .detect = alarms::EventCount{.id = {1, 1}, .count = 3, .within = Milliseconds(20)}};
    const alarms::Condition missing{
        .name = "missing", .detect = alarms::EventMissing{.id = {1, 3}, .longest = Milliseconds(50)}};
    alarms::Detector detector;
    Milliseconds now{0};
    detector.configured({once, often, missing}, now);
    std::map<alarms::Key, bool> open;
    for (const char byte : bytes) {
        const auto value = static_cast<unsigned char>(byte);
        now += Milliseconds(value >> 4U);
        detector.message(
            {.id = {1, value % 4U}, .host = value % 8 < 4 ? "a" : "b", .text = std::string(bytes)}, 0, now);
        if (value % 3 != 0) continue;
        for (const alarms::Verdict& verdict : detector.take(now)) {
            bool& is_open = open[verdict.key];
            INVARIANT(is_open == (verdict.what != alarms::Verdict::What::raised));
            is_open = verdict.what != alarms::Verdict::What::cleared;
            INVARIANT(verdict.text.size() <= alarms::Detector::most_text);
        }
    }
    INVARIANT(detector.kept() < 100);
}

}  // namespace

// libFuzzer gives the name. NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::string_view pattern = text.substr(0, text.find('\n'));
    const std::string_view value = text.substr(std::min(pattern.size() + 1, text.size()));
    const std::string result = alarms::filled(pattern, {{"text", std::string(value)}, {"host", "h"}});
    INVARIANT(result.size() <= alarms::most_filled);
    // What stands in no braces stays, and nothing of a value is filled in.
    if (!pattern.contains('{') && pattern.size() <= alarms::most_filled) INVARIANT(result == pattern);
    if (value.size() < alarms::most_filled)
        INVARIANT(alarms::filled("{text}", {{"text", std::string(value)}}) == value);
    if (const auto endpoint = configuration::parse_endpoint(text)) {
        INVARIANT(endpoint->port != 0 && !endpoint->host.empty());
        INVARIANT(endpoint->host.find_first_of("\r\n \0/@") == std::string::npos);
    }
    if (configuration::check_mail_address(text))
        INVARIANT(text.find_first_of("\r\n <>,;\"\\") == std::string::npos);
    if (configuration::check_url(text, true)) INVARIANT(text.starts_with("https://"));
    if (configuration::is_oid(text)) INVARIANT(text.find_first_not_of("0123456789.") == std::string::npos);
    feed(text.substr(0, 512));
    return 0;
}
