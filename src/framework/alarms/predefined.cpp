#include "framework/alarms/predefined.h"

#include <algorithm>
#include <array>
#include <set>

namespace belay::framework::alarms {
namespace {

struct Predefined {
    const char* name;
    Severity severity;
    messages::EventId raise, clear;
    const char* raised_when;
    const char* advice;
};

constexpr std::array<Predefined, 9> by_event = {{
    {"connection-lost", Severity::minor, events::connection_lost, events::connection_made,
     "the stream between a host and its controller has ended without being closed, or says nothing",
     "see whether it comes back by itself: belay host show"},
    {"application-failed", Severity::major, events::application_failed, events::application_well,
     "an application ended or did not answer more often than its `nonstop` allows, and is not started any "
     "more",
     "read what it said: belay app log; start it: belay app start"},
    {"licence-ending", Severity::major, events::licence_ends, events::licence_valid,
     "a file that an application needs (a prerequisite with `valid_until`) ends within 14 days, or has ended",
     "put the new file in its place, and set its valid_until"},
    {"host-inaccessible", Severity::major, events::host_inaccessible, events::host_accessible,
     "a host is connected, and its belayd does not answer", "look at its belayd: systemctl status belayd"},
    {"host-unavailable", Severity::critical, events::host_unavailable, events::host_available,
     "a host that was there is away for longer than its `lost_after`",
     "start it, or see what it stopped with; its pairs were switched over"},
    {"host-unreachable", Severity::major, events::host_unreachable, events::host_reachable,
     "a host has not come since this controller leads, for longer than its `lost_after`",
     "see whether it runs and whether it gets to the controller: belay status on it"},
    {"service-unavailable", Severity::critical, events::service_unavailable, events::service_available,
     "a solution that was to run does not serve: one of its mandatory applications failed, or nothing is "
     "heard "
     "of it for longer than its host's `lost_after`",
     "see which: belay solution show"},
    {"solution-changed", Severity::minor, events::solution_moved, events::solution_settled,
     "an application of a solution stopped, failed or changed hosts, and nobody had asked for it",
     "see what happened: belay solution show, belay app show"},
    {"message-store-lost", Severity::critical, events::message_store_lost, events::message_store_back,
     "the message store cannot be written or read",
     "see the log of belayd at the host that keeps the messages"},
}};

constexpr const char* storage_name = "storage-unhealthy";
constexpr const char* storage_advice = "see what was found, and what mends it: belay storage health";
constexpr std::array<std::pair<const char*, const char*>, 3> by_figure = {
    {{"host-processor", "processor"}, {"host-memory", "memory"}, {"host-disk", "disk"}}};

}  // namespace

bool is_told_by_standings(messages::EventId id)
{
    return std::ranges::any_of(by_event,
                               [&](const Predefined& one) { return one.raise == id || one.clear == id; });
}

std::vector<messages::EventId> events_in_messages(const std::vector<Condition>& conditions)
{
    std::set<messages::EventId> ids;
    for (const Condition& condition : conditions) {
        if (const auto* const count = std::get_if<EventCount>(&condition.detect)) ids.insert(count->id);
        if (const auto* const missing = std::get_if<EventMissing>(&condition.detect)) ids.insert(missing->id);
        if (condition.clear_event) ids.insert(*condition.clear_event);
    }
    std::erase_if(ids, is_told_by_standings);
    return {ids.begin(), ids.end()};
}

bool is_predefined(std::string_view name)
{
    return name == storage_name ||
           std::ranges::any_of(by_event, [&](const auto& one) { return one.name == name; }) ||
           std::ranges::any_of(by_figure, [&](const auto& one) { return one.first == name; });
}

std::vector<Condition> predefined_conditions()
{
    std::vector<Condition> all;
    for (const Predefined& one : by_event)
        all.push_back({.name = one.name,
                       .severity = one.severity,
                       .description = one.advice,
                       .detect = EventCount{.id = one.raise},
                       .clear_event = one.clear,
                       .is_predefined = true});
    all.push_back({.name = storage_name,
                   .severity = Severity::major,
                   .description = storage_advice,
                   .detect = StorageCode{.code = "*", .critical_alone = true},
                   .is_predefined = true});
    for (const auto& [name, figure] : by_figure)
        all.push_back({.name = name,
                       .severity = Severity::minor,
                       .description = "see what uses it: belay host show",
                       .detect = Figure{.figure = figure},
                       .is_predefined = true});
    return all;
}

std::string predefined_in_markdown()
{
    std::string text =
        "| Alarm | Severity | Event, and the one that clears it | Raised when |\n|---|---|---|---|\n";
    for (const Predefined& one : by_event)
        text += fmt::format("| `{}` | {} | `{}`, `{}` | {} |\n", one.name, name_of(one.severity),
                            messages::to_text(one.raise), messages::to_text(one.clear), one.raised_when);
    text += fmt::format(
        "| `{}` | {} | none: it clears when it is found no more | `belay storage health` finds "
        "something critical |\n",
        storage_name, name_of(Severity::major));
    return text;
}

}  // namespace belay::framework::alarms
