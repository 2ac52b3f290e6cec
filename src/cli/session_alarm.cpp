// The alarms of the site.

#include "cli/alarm_text.h"
#include "cli/exit_code.h"
#include "cli/fields.h"
#include "cli/session.h"

#include <charconv>

namespace belay::cli {
namespace {

/// Of an alarm, as a person types it.
Result<uint64_t> alarm_number(const std::string& text)
{
    uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    if (read.ec == std::errc() && read.ptr == end && number > 0) return number;
    return fail(ErrorKind::usage, fmt::format("\"{}\" is no number of an alarm", text), "belay alarms");
}

}  // namespace

Result<int> Session::alarm_list()
{
    Json parameters = {{"all", asked_.all}};
    if (asked_.limit) parameters["limit"] = *asked_.limit;
    if (asked_.conditions) parameters["conditions"] = true;
    if (asked_.follow) return follow_alarm_book(parameters);
    const Json answer = TRY(client_.call("AlarmList", parameters));
    say(answer, alarm_list_text(style_, answer, asked_.all));
    return 0;
}

/// What has come, and what has changed its state: a line each.
Result<int> Session::follow_alarm_book(Json parameters)
{
    parameters["all"] = true;
    std::map<int64_t, std::string> told;
    bool is_first = true;
    TRY(client_.stream("AlarmList", parameters, [&](const Json& answer) {
        for (const Json& alarm : list_of(answer, "alarms")) {
            const std::string state = raw_text(alarm, "state");
            std::string& before = told[number_of(alarm, "number")];
            const bool is_news = before != state && (!is_first || asked_.all || state != "cleared");
            before = state;
            if (is_news) say(alarm, alarm_news_line(style_, alarm));
        }
        is_first = false;
        return true;
    }));
    return 0;
}

Result<int> Session::alarm_show()
{
    const uint64_t number = TRY(alarm_number(asked_.target));
    const Json answer = TRY(client_.call("AlarmShow", {{"number", number}}));
    say(answer, alarm_text(style_, answer));
    return 0;
}

Result<int> Session::alarm_acknowledge()
{
    const uint64_t number = TRY(alarm_number(asked_.target));
    const Json answer = TRY(client_.call("AlarmAcknowledge", {{"number", number}, {"note", asked_.note}}));
    say(answer, alarm_text(style_, answer));
    return 0;
}

Result<int> Session::alarm_mute()
{
    const Json answer = TRY(client_.call(
        "AlarmMute", {{"alarm", asked_.target}, {"for_ms", asked_.lasts->count()}, {"note", asked_.note}}));
    const bool ends = *asked_.lasts == Milliseconds{0};
    say(answer, ends ? fmt::format("{} is not muted any more\n", asked_.target)
                     : fmt::format("{} is muted until {}\n", asked_.target,
                                   style_.clock(span_of(answer, "until_ms"))));
    return 0;
}

Result<int> Session::alarm_test()
{
    const Json answer = TRY(client_.call("AlarmTry", {{"alarm", asked_.target}, {"fire", asked_.fire}}));
    say(answer, alarm_try_text(style_, answer));
    for (const Json& reaction : list_of(answer, "reactions")) {
        if (raw_text(reaction, "state") == "failed") return static_cast<int>(ExitCode::failed);
    }
    return 0;
}

}  // namespace belay::cli
