#include "cli/events.h"

#include "cli/fields.h"
#include "cli/live_text.h"

#include <algorithm>
#include <limits>

namespace belay::cli {
namespace {

constexpr Milliseconds progress_pause = std::chrono::seconds(10);
constexpr int progress_percent = 10;

/// The element of a list that has this name, or an empty object.
const Json& named(const Json& list, std::string_view field, const std::string& name)
{
    static const Json none = Json::object();
    for (const Json& one : list) {
        if (raw_text(one, field) == name) return one;
    }
    return none;
}

}  // namespace

std::vector<Event> EventLog::take(const Json& view, Milliseconds now)
{
    events_.clear();
    id_ = raw_text(view, "id");
    tell_transitions(view);
    tell_steps(view);
    tell_gates(view);
    tell_progress(view, now);
    if (has(view, "stuck") && !has(last_, "stuck"))
        tell("stuck", {{"error", object_of(view, "stuck")}},
             "nothing goes on for now: " + text_of(style_, object_of(view, "stuck"), "what"));
    // Steps and states were compared apart; told they are in the order in which they came.
    std::ranges::stable_sort(events_, {}, [](const Event& event) {
        return event.json.value("at_ms", std::numeric_limits<int64_t>::max());
    });
    last_ = view;
    return std::move(events_);
}

void EventLog::tell(std::string_view event, Json detail, std::string text)
{
    detail["event"] = event;
    detail["operation"] = id_;
    events_.push_back({std::move(detail), fmt::format("operation {}: {}", clean(style_, id_), text)});
}

void EventLog::tell_transitions(const Json& view)
{
    const Json& transitions = list_of(view, "transitions");
    for (size_t i = list_of(last_, "transitions").size(); i < transitions.size(); ++i) {
        const Json& transition = transitions[i];
        std::string text = text_of(style_, transition, "to");
        if (const std::string reason = text_of(style_, transition, "reason"); !reason.empty())
            text += fmt::format(" ({})", reason);
        tell("state",
             {{"state", raw_text(transition, "to")},
              {"reason", raw_text(transition, "reason")},
              {"at_ms", number_of(transition, "at_ms")}},
             text);
    }
}

void EventLog::tell_steps(const Json& view)
{
    const Json& before = list_of(last_, "steps");
    for (const Json& step : list_of(view, "steps"))
        tell_step(named(before, "name", raw_text(step, "name")), step);
}

void EventLog::tell_step(const Json& before, const Json& step)
{
    const std::string name = raw_text(step, "name"), title = text_of(style_, step, "title");
    const std::string was = raw_text(before, "status"), is = raw_text(step, "status");
    const auto told = [&](std::string_view status, std::string_view moment, const std::string& words) {
        Json detail = {{"step", name}, {"status", status}, {"at_ms", number_of(step, moment)}};
        if (status == "done") detail["took_ms"] = number_of(step, "ended_ms") - number_of(step, "started_ms");
        tell("step", std::move(detail), fmt::format("{}: {}", title, words));
    };
    const bool begun = is == "intended" || is == "done";
    if (begun && was != "intended" && was != "done") told("begun", "started_ms", "begun");
    if (is == "done" && was != "done")
        told("done", "ended_ms",
             fmt::format("done in {}", to_text(span_of(step, "ended_ms") - span_of(step, "started_ms"))));
    if (is == "already" && was != "already") told("already", "ended_ms", "was so before");
    if (is == "undone" && was != "undone") told("undone", "ended_ms", "undone");
    if (has(step, "error") && object_of(step, "error") != object_of(before, "error"))
        tell("step", {{"step", name}, {"status", "failed"}, {"error", object_of(step, "error")}},
             fmt::format("{}: failed: {}", title, text_of(style_, object_of(step, "error"), "what")));
}

void EventLog::tell_gates(const Json& view)
{
    for (const Json& gate : list_of(view, "gates")) {
        const std::string name = raw_text(gate, "code"), verdict = raw_text(gate, "verdict");
        const std::string was = raw_text(named(list_of(last_, "gates"), "code", name), "verdict");
        if (verdict == was) continue;
        tell("gate", {{"gate", name}, {"verdict", verdict}, {"found", raw_text(gate, "found")}},
             fmt::format("gate {}: {}{}{}", text_of(style_, gate, "title"),
                         verdict == "fail" ? "broken" : verdict, raw_text(gate, "found").empty() ? "" : ", ",
                         text_of(style_, gate, "found")));
    }
}

void EventLog::tell_progress(const Json& view, Milliseconds now)
{
    const std::string step = raw_text(view, "current_step");
    if (step.empty() || !has(view, "progress")) return;
    const Json& progress = object_of(view, "progress");
    const int percent = percent_of(progress);
    const bool fresh = step != progress_step_;
    const bool moved = percent >= told_percent_ + progress_percent;
    if (!fresh && !moved && now < told_at_ + progress_pause) return;
    progress_step_ = step;
    told_percent_ = percent;
    told_at_ = now;
    Json detail = progress;
    detail["step"] = step;
    detail["percent"] = percent;
    tell("progress", std::move(detail),
         fmt::format("{}: {}", text_of(style_, named(list_of(view, "steps"), "name", step), "title"),
                     progress_text(style_, progress, Milliseconds{0})));
}

}  // namespace belay::cli
