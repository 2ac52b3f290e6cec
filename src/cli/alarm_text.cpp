#include "cli/alarm_text.h"

#include "cli/fields.h"

namespace belay::cli {
namespace {

Tone tone_of_alarm(const Json& alarm)
{
    if (raw_text(alarm, "state") == "cleared") return Tone::dim;
    const std::string severity = raw_text(alarm, "severity");
    if (severity == "critical") return Tone::bad;
    return severity == "major" ? Tone::warn : Tone::plain;
}

/// "web1, shop, /srv": what it is about.
std::string about(const Style& style, const Json& alarm)
{
    std::string text;
    for (const char* field : {"host", "application", "object"}) {
        const std::string part = text_of(style, alarm, field);
        if (!part.empty()) text += (text.empty() ? "" : ", ") + part;
    }
    return text;
}

std::string state_of(const Style& style, const Json& alarm)
{
    const std::string silenced = text_of(style, alarm, "silenced");
    const std::string state = text_of(style, alarm, "state");
    return silenced.empty() ? state : fmt::format("{}, {}", state, silenced);
}

std::string reaction_line(const Style& style, const Json& reaction)
{
    const std::string state = raw_text(reaction, "state");
    const Tone tone = state == "done" ? Tone::good : state == "failed" ? Tone::bad : Tone::plain;
    std::string line =
        fmt::format("  {} {}  {}", paint(style, tone, pad(state, 7)),
                    pad(text_of(style, reaction, "kind"), 11), text_of(style, reaction, "name"));
    if (const std::string what = text_of(style, reaction, "what"); !what.empty()) line += ": " + what;
    if (number_of(reaction, "attempts") > 1)
        line += fmt::format(" ({} attempts)", number_of(reaction, "attempts"));
    if (state == "waiting" && has(reaction, "next_ms"))
        line += fmt::format(", again at {}", style.clock(span_of(reaction, "next_ms")));
    return line + '\n';
}

std::string conditions_table(const Style& style, const Json& answer)
{
    std::vector<std::vector<std::string>> rows = {{"ALARM", "SEVERITY", "REACTIONS", "WHAT TO DO"}};
    for (const Json& one : list_of(answer, "conditions")) {
        const std::string reactions = text_of(style, one, "reactions");
        rows.push_back({text_of(style, one, "name"), text_of(style, one, "severity"),
                        flag_of(one, "muted") ? "muted"
                        : reactions == "0"    ? "none"
                                              : reactions,
                        text_of(style, one, "description")});
    }
    return table(style, rows, 0);
}

}  // namespace

std::string alarm_list_text(const Style& style, const Json& answer, bool all)
{
    if (has(answer, "conditions")) return conditions_table(style, answer);
    std::string text;
    const Json& alarms = list_of(answer, "alarms");
    if (number_of(answer, "left_out") > 0)
        text += fmt::format("{} older ones are left out\n  next: belay alarms --limit NUMBER\n",
                            number_of(answer, "left_out"));
    if (alarms.empty()) {
        text += all ? "there was no alarm yet\n" : "no alarm is raised\n";
    } else {
        std::vector<std::vector<std::string>> rows = {
            {"NUMBER", "SEVERITY", "SINCE", "COUNT", "STATE", "ALARM", "TEXT"}};
        for (const Json& alarm : alarms)
            rows.push_back({text_of(style, alarm, "number"),
                            paint(style, tone_of_alarm(alarm), text_of(style, alarm, "severity")),
                            style.clock(span_of(alarm, "first_ms")), text_of(style, alarm, "count"),
                            state_of(style, alarm), text_of(style, alarm, "alarm"),
                            text_of(style, alarm, "text")});
        text += table(style, rows, 0);
    }
    for (const Json& mute : list_of(answer, "mutes"))
        text += fmt::format("{} is muted until {} by {}{}\n", text_of(style, mute, "alarm"),
                            style.clock(span_of(mute, "until_ms")), text_of(style, mute, "by"),
                            has(mute, "note") ? ": " + text_of(style, mute, "note") : "");
    return text;
}

std::string alarm_news_line(const Style& style, const Json& alarm)
{
    const bool has_ended = raw_text(alarm, "state") == "cleared";
    const Milliseconds at = span_of(alarm, has_ended ? "ended_ms" : "first_ms");
    const std::string where = about(style, alarm);
    return fmt::format("{}  {}  {}  {} {}{}: {}\n", style.clock(at),
                       paint(style, tone_of_alarm(alarm), pad(text_of(style, alarm, "severity"), 8)),
                       pad(text_of(style, alarm, "state"), 12), text_of(style, alarm, "number"),
                       text_of(style, alarm, "alarm"), where.empty() ? "" : " of " + where,
                       text_of(style, alarm, has_ended ? "why_ended" : "text"));
}

std::string alarm_text(const Style& style, const Json& alarm)
{
    std::string text = fmt::format(
        "alarm {}: {}, {}, {}\n", text_of(style, alarm, "number"), text_of(style, alarm, "alarm"),
        paint(style, tone_of_alarm(alarm), text_of(style, alarm, "severity")), state_of(style, alarm));
    const auto line = [&](const char* what, const std::string& value) {
        if (!value.empty()) text += fmt::format("  {:<12} {}\n", what, value);
    };
    line("text", text_of(style, alarm, "text"));
    line("of", about(style, alarm));
    line("first", style.clock(span_of(alarm, "first_ms")));
    if (number_of(alarm, "count") > 1) {
        line("last", style.clock(span_of(alarm, "last_ms")));
        line("count", text_of(style, alarm, "count"));
    }
    line("what to do", text_of(style, alarm, "description"));
    if (has(alarm, "acknowledged")) {
        const Json& by = object_of(alarm, "acknowledged");
        const std::string note = text_of(style, by, "note");
        line("acknowledged", fmt::format("by {} at {}{}", text_of(style, by, "by"),
                                         style.clock(span_of(by, "at_ms")), note.empty() ? "" : ": " + note));
    }
    if (has(alarm, "ended_ms"))
        line("cleared", fmt::format("at {}: {}", style.clock(span_of(alarm, "ended_ms")),
                                    text_of(style, alarm, "why_ended")));
    for (const Json& reaction : list_of(alarm, "reactions")) text += reaction_line(style, reaction);
    return text;
}

std::string alarm_try_text(const Style& style, const Json& answer)
{
    const Json& reactions = list_of(answer, "reactions");
    if (reactions.empty())
        return fmt::format("{} has no reactions\n  next: belay config edit alarm '{}'\n",
                           text_of(style, answer, "alarm"), text_of(style, answer, "alarm"));
    std::string text;
    for (const Json& reaction : reactions) {
        if (has(reaction, "state"))
            text += reaction_line(style, reaction);
        else
            text += fmt::format("  {}  {}: {}\n", pad(text_of(style, reaction, "kind"), 11),
                                text_of(style, reaction, "name"), text_of(style, reaction, "would"));
    }
    return text;
}

}  // namespace belay::cli
