#include "cli/operation_text.h"

#include "cli/device_text.h"
#include "cli/fields.h"
#include "cli/plan_text.h"
#include "cli/upgrade_text.h"

#include <algorithm>

namespace belay::cli {
namespace {

std::string header(const Style& style, std::string_view title)
{
    return '\n' + paint(style, Tone::bold, title) + '\n';
}

std::string sentence_list(const Style& style, std::string_view title, const std::vector<std::string>& lines)
{
    if (lines.empty()) return {};
    std::string text = header(style, title);
    for (const std::string& line : lines) text += "  " + wrap(style, line, 2, 4) + '\n';
    return text;
}

bool was_begun(const Json& step)
{
    const std::string status = raw_text(step, "status");
    return !status.empty() && status != "pending";
}

std::string outcome_of(const Style& style, const Json& step)
{
    const std::string status = raw_text(step, "status");
    const Milliseconds took = span_of(step, "ended_ms") - span_of(step, "started_ms");
    if (flag_of(step, "restoring") && (status == "intended" || status == "done")) return "restoring";
    if (status == "intended") return "running";
    if (status == "already") return "was so before";
    if (status == "undone") return "undone";
    if (status == "done") return to_text(took);
    return text_of(style, step, "status");
}

/// The first step of a site operation names all its hosts, each with its part; those after it name some
/// again.
std::string members_of(const Style& style, const Json& view)
{
    std::vector<std::string> members;
    for (const Json& step : list_of(view, "steps")) {
        const std::string member = text_of(style, step, "member");
        if (members.empty() && member.find(", ") != std::string::npos) return member;
        if (!member.empty() && std::ranges::find(members, member) == members.end()) members.push_back(member);
    }
    return members.empty() ? "this host" : fmt::format("{}", fmt::join(members, ", "));
}

std::string state_words(const Style& style, const Json& view)
{
    const std::string state = text_of(style, view, "state");
    std::string words = paint(style, tone_of_state(state), state);
    if (has(view, "held_in")) words += fmt::format(" while {}", text_of(style, view, "held_in"));
    const std::string reason = text_of(style, view, "reason");
    return reason.empty() ? words : fmt::format("{}: {}", words, reason);
}

/// Of an operation that is one host's part of an operation of its site.
std::string whole_of(const Style& style, const Json& part)
{
    return fmt::format("operation {} of the site {}{}", text_of(style, part, "operation"),
                       text_of(style, part, "site"),
                       flag_of(part, "promised") ? ", which alone ends it now" : "");
}

std::string steps_text(const Style& style, const Json& view)
{
    std::vector<std::vector<std::string>> rows;
    for (const Json& step : list_of(view, "steps")) {
        if (!was_begun(step)) continue;
        std::string title = text_of(style, step, "title");
        const std::string member = text_of(style, step, "member");
        if (!member.empty()) title += fmt::format(" [{}]", member);
        if (const std::string detail = text_of(style, step, "detail"); !detail.empty())
            title += ": " + detail;
        rows.push_back({style.clock(span_of(step, "started_ms")), text_of(style, step, "phase"),
                        outcome_of(style, step), title});
    }
    return rows.empty() ? std::string() : header(style, "Steps so far") + table(style, rows, 2);
}

std::string transitions_text(const Style& style, const Json& view)
{
    std::vector<std::vector<std::string>> rows;
    for (const Json& transition : list_of(view, "transitions")) {
        std::string reason = text_of(style, transition, "reason");
        const std::string who = text_of(style, transition, "who");
        if (!who.empty()) reason = fmt::format("by {}{}{}", who, reason.empty() ? "" : ": ", reason);
        rows.push_back({style.clock(span_of(transition, "at_ms")), text_of(style, transition, "to"), reason});
    }
    return rows.empty() ? std::string() : header(style, "State transitions") + table(style, rows, 2);
}

std::vector<std::string> failures_of(const Style& style, const Json& view)
{
    std::vector<std::string> lines;
    const auto add = [&](const std::string& who, const Json& error) {
        lines.push_back(fmt::format("{}: {}", who, text_of(style, error, "what")));
        const std::string output = text_of(style, error, "output"), next = text_of(style, error, "next");
        if (!output.empty()) lines.push_back("  it said: " + output);
        if (!next.empty()) lines.push_back("  next: " + next);
    };
    for (const Json& step : list_of(view, "steps")) {
        if (has(step, "error")) add(text_of(style, step, "title"), object_of(step, "error"));
    }
    if (has(view, "stuck")) add("nothing goes on for now", object_of(view, "stuck"));
    return lines;
}

std::string what_remains(const Style& style, const Json& view)
{
    std::string text = sentence_list(style, "Failures", failures_of(style, view));
    text += sentence_list(style, "Not as it was before", texts_of(style, view, "differences"));
    text += sentence_list(style, "Left behind", texts_of(style, view, "left_behind"));
    const bool proven = flag_of(view, "verified") && list_of(view, "differences").empty();
    if (proven && !flag_of(view, "cleared")) text += "\nThe world is as it was before; this was looked at.\n";
    return text;
}

/// The file with what was typed on a device, and answered; empty: it is of none.
std::string transcript_of(const Style& style, const Json& view)
{
    for (const Json& step : list_of(view, "steps")) {
        const std::string file = text_of(style, object_of(step, "arguments"), "transcript");
        if (!file.empty()) return file;
    }
    return {};
}

/// What the members of an upgrade run, and how their pairs stand.
void add_pairs(const Style& style, const Json& pairs, std::vector<std::vector<std::string>>& rows)
{
    std::string label = "running image";
    for (const Json& pair : pairs) {
        for (std::string& line : running_images(style, pair))
            rows.push_back({std::exchange(label, ""), std::move(line)});
    }
    label = "operating mode";
    for (const Json& pair : pairs)
        rows.push_back({std::exchange(label, ""), fmt::format("{}: {}", text_of(style, pair, "name"),
                                                              operating_mode_text(style, pair))});
}

}  // namespace

Tone tone_of_state(const std::string& state)
{
    if (state == "committed" || state == "activated" || state == "added") return Tone::good;
    if (state == "held") return Tone::bad;
    if (state == "aborted" || state == "aborting") return Tone::warn;
    return Tone::bold;
}

bool goes_on_by_itself(const Json& view)
{
    const std::string state = raw_text(view, "state");
    return state == "adding" || state == "activating" || state == "committing" || state == "aborting" ||
           (flag_of(view, "one_shot") && (state == "added" || state == "activated"));
}

std::string last_operation_text(const Style& style, const Json& view)
{
    const Json* last = nullptr;
    for (const Json& step : list_of(view, "steps")) {
        if (!was_begun(step)) continue;
        const auto moment = [](const Json& of) {
            return std::max(span_of(of, "started_ms"), span_of(of, "ended_ms"));
        };
        if (last == nullptr || moment(step) >= moment(*last)) last = &step;
    }
    if (last == nullptr) return "none";
    return fmt::format("{} ({})", text_of(style, *last, "title"), outcome_of(style, *last));
}

std::string timer_text(const Json& view, Milliseconds passed)
{
    const Json& timer = object_of(view, "timer");
    if (timer.empty())
        return fmt::format("not started; {} from activate on",
                           to_text(span_of(object_of(view, "plan"), "timer_ms")));
    const bool stopped = flag_of(timer, "stopped");
    Milliseconds left = span_of(timer, has(timer, "left_ms") ? "left_ms" : "left_when_written_ms");
    const std::string state = raw_text(view, "state");
    if (state == "committed" || state == "aborted" || state == "committing" || state == "aborting")
        return "ended";
    if (stopped) return fmt::format("stopped with {} left; nothing aborts by itself", to_text(left));
    left = std::max(left - passed, Milliseconds{0});
    return fmt::format("{} left of {}, then it aborts by itself", to_text(left),
                       to_text(span_of(timer, "length_ms")));
}

std::string ways_on_text(const Style& style, const Json& view)
{
    std::vector<std::vector<std::string>> rows;
    for (const Json& way : list_of(view, "ways_on"))
        rows.push_back(
            {paint(style, Tone::bold, text_of(style, way, "command")), text_of(style, way, "meaning")});
    return rows.empty() ? std::string() : header(style, "Ways on") + table(style, rows, 2);
}

std::string ending_text(const Style& style, const Json& view)
{
    return fmt::format("operation {} is {}\n", text_of(style, view, "id"), state_words(style, view)) +
           what_remains(style, view) + ways_on_text(style, view);
}

std::string operation_text(const Style& style, const Json& view)
{
    const std::string title =
        fmt::format("Operation {}: {}", text_of(style, view, "id"), text_of(style, view, "title"));
    std::string text = paint(style, Tone::bold, wrap(style, title, 0, 2)) + '\n';
    const Json& plan = object_of(view, "plan");
    std::vector<std::vector<std::string>> rows{
        {"type", fmt::format("{}, {}", text_of(style, view, "procedure"),
                             flag_of(view, "one_shot") ? "in one go, no way back" : "step by step")},
        {"state", state_words(style, view)},
        {"last operation", last_operation_text(style, view)},
        {"timer", timer_text(view, Milliseconds{0})},
        {"members", members_of(style, view)},
        {"locks", fmt::format("{}", fmt::join(texts_of(style, plan, "locks"), ", "))},
        {"asked by", fmt::format("{} ({}), {}", text_of(style, view, "who"), text_of(style, view, "origin"),
                                 style.clock(span_of(view, "created_ms")))}};
    if (has(view, "current_step"))
        rows.insert(rows.begin() + 2, {"now", text_of(style, view, "current_step")});
    if (const std::string type = install_type_text(raw_text(view, "procedure")); !type.empty())
        rows.insert(rows.begin() + 1, {"install type", type});
    if (const Json& part = object_of(view, "part"); !part.empty())
        rows.insert(rows.begin() + 1, {"part of", whole_of(style, part)});
    if (!raw_text(view, "why").empty()) rows.push_back({"why", text_of(style, view, "why")});
    add_pairs(style, list_of(view, "pairs"), rows);
    if (const std::string transcript = transcript_of(style, view); !transcript.empty())
        rows.push_back({"transcript", transcript});
    if (has(view, "device")) {
        for (std::vector<std::string>& row : device_rows(style, object_of(view, "device")))
            rows.push_back(std::move(row));
    }
    text += table(style, rows, 2);
    if (const Json doubtful = doubtful_findings(view); !doubtful.empty())
        text += header(style, "Checks that did not pass") + findings_text(style, doubtful, 2);
    text += steps_text(style, view) + transitions_text(style, view);
    if (const Json& gates = list_of(view, "gates"); !gates.empty())
        text += header(style, "Gates") + findings_text(style, gates, 2);
    return text + what_remains(style, view) + ways_on_text(style, view);
}

std::string operations_text(const Style& style, const Json& views, std::string_view empty)
{
    if (views.empty()) return fmt::format("{}\n", empty);
    std::vector<std::vector<std::string>> rows;
    for (const Json& view : views) {
        const std::string state = text_of(style, view, "state");
        rows.push_back({text_of(style, view, "id"), style.clock(span_of(view, "created_ms")),
                        paint(style, tone_of_state(state), state), text_of(style, view, "procedure"),
                        text_of(style, view, "title")});
    }
    return table(style, rows, 0);
}

std::string journal_text(const Style& style, const Json& records)
{
    std::vector<std::vector<std::string>> rows;
    for (const Json& record : records)
        rows.push_back({text_of(style, record, "number"), style.clock(span_of(record, "at_ms")),
                        text_of(style, record, "event"),
                        clean(style, json_text(object_of(record, "detail")))});
    return table(style, rows, 0);
}

std::string audit_text(const Style& style, const Json& entries)
{
    if (entries.empty()) return "nothing was asked for yet\n";
    std::vector<std::vector<std::string>> rows;
    for (const Json& entry : entries) {
        std::string rest = text_of(style, entry, "origin");
        for (const char* field : {"why", "answer"}) {
            const std::string said = text_of(style, entry, field);
            if (!said.empty()) rest += (rest.empty() ? "" : "; ") + said;
        }
        const std::string object = text_of(style, entry, "object");
        rows.push_back({style.clock(span_of(entry, "at_ms")), text_of(style, entry, "who"),
                        text_of(style, entry, "verb"),
                        object.empty() ? text_of(style, entry, "operation") : object, rest});
    }
    return table(style, rows, 0);
}

}  // namespace belay::cli
