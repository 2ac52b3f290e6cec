#include "upgrade/iosxe/show/redundancy_states.h"

#include "upgrade/iosxe/show/fields.h"

namespace belay::upgrade::iosxe::show {
namespace {

using printed::trimmed;
using printed::whole_number;

constexpr Field<RedundancyStates> states_fields[] = {
    {"", "my_state", &RedundancyStates::my_state},
    {"", "my_code", &RedundancyStates::my_code},
    {"", "peer_state", &RedundancyStates::peer_state},
    {"", "peer_code", &RedundancyStates::peer_code},
    {"Mode", "mode", &RedundancyStates::mode},
    {"Unit", "unit", &RedundancyStates::unit},
    {"Unit ID", "unit_id", &RedundancyStates::unit_id},
    {"Redundancy Mode (Operational)", "operational_mode", &RedundancyStates::operational_mode},
    {"Redundancy Mode (Configured)", "configured_mode", &RedundancyStates::configured_mode},
    {"Redundancy State", "state", &RedundancyStates::state},
    {"Maintenance Mode", "maintenance_mode", &RedundancyStates::maintenance_mode},
    {"Manual Swact", "manual_switchover", &RedundancyStates::manual_switchover},
    {"Communications", "communications", &RedundancyStates::communications},
    {"", "communications_reason", &RedundancyStates::communications_reason},
    {"client count", "client_count", &RedundancyStates::client_count},
    {"client_notification_TMR", "client_notification", &RedundancyStates::client_notification},
    {"keep_alive TMR", "keep_alive", &RedundancyStates::keep_alive},
    {"keep_alive count", "keep_alive_count", &RedundancyStates::keep_alive_count},
    {"keep_alive threshold", "keep_alive_threshold", &RedundancyStates::keep_alive_threshold},
};

constexpr Field<Switchover> switchover_fields[] = {
    {"", "previous_active", &Switchover::previous_active},
    {"", "current_active", &Switchover::current_active},
    {"", "reason", &Switchover::reason},
    {"", "time", &Switchover::time},
};

/// "13 -ACTIVE", "8  -STANDBY HOT".
bool take_state(std::string_view text, std::optional<uint64_t>& code, std::string& state)
{
    const size_t dash = text.find('-');
    if (dash == std::string_view::npos || code) return false;
    code = whole_number(trimmed(text.substr(0, dash)));
    state = trimmed(text.substr(dash + 1));
    return code && !state.empty();
}

Result<void> take_states_line(const Shown& all, const Line& line, Labelled found, RedundancyStates& into)
{
    const bool is_mine = same_words(found.label, "my state"),
               is_peers = same_words(found.label, "peer state");
    if (is_mine || is_peers) {
        if (is_mine ? take_state(found.value, into.my_code, into.my_state)
                    : take_state(found.value, into.peer_code, into.peer_state))
            return {};
        return all.foreign(line.number, fmt::format("\"{}\" is no state", found.value));
    }
    if (found.label == "Communications") into.communications_reason = take_reason(found.value);
    if (found.value.ends_with(" milliseconds")) found.value.remove_suffix(13);
    TRY(take(all, line, states_fields, found, into));
    return {};
}

}  // namespace

Result<RedundancyStates> read_redundancy_states(std::string_view text)
{
    const Shown all = TRY(shown(text, "show redundancy states"));
    RedundancyStates states;
    bool has_mask = false;
    for (const Line& line : all.lines) {
        const auto found = labelled(line.text, '=');
        if (!found) continue;
        TRY(take_states_line(all, line, *found, states));
        has_mask = same_words(found->label, "RF debug mask");
    }
    const bool is_whole = !states.my_state.empty() && !states.peer_state.empty() && !states.mode.empty() &&
                          !states.state.empty() && !states.communications.empty() && states.client_count &&
                          has_mask;
    if (!is_whole) return all.cut("it does not go from \"my state\" to \"RF debug mask\"");
    return states;
}

Result<SwitchoverHistory> read_switchover_history(std::string_view text)
{
    const Shown all = TRY(shown(text, "show redundancy switchover history"));
    SwitchoverHistory history;
    bool has_heading = false;
    for (const Line& line : all.lines) {
        if (same_words(line.text, "Index Previous Current Switchover Switchover")) has_heading = true;
        if (!has_heading)
            return all.foreign(line.number, "it does not begin with the heading of the history");
        const std::vector<std::string_view> words = printed::words_of(line.text);
        const std::optional<uint64_t> index = whole_number(words[0]);
        if (!index && history.switchovers.empty()) continue;
        // The reason may fill its column: the time is the last six words.
        const bool is_row =
            index && words.size() >= 10 && words.back().size() == 4 && whole_number(words.back());
        const size_t time = is_row ? words.size() - 6 : 0;
        Switchover one;
        if (is_row) {
            one = {.index = *index,
                   .previous_active = whole_number(words[1]),
                   .current_active = whole_number(words[2]),
                   .reason = joined(std::span(words).subspan(3, time - 3)),
                   .time = joined(std::span(words).subspan(time))};
        }
        if (!one.previous_active || !one.current_active)
            return all.foreign(line.number, "it is no row of the history");
        history.switchovers.push_back(std::move(one));
    }
    if (history.switchovers.empty()) return all.cut("no switchover is there");
    if (has_twice(history.switchovers, &Switchover::index))
        return all.foreign(0, "a switchover is there twice");
    return history;
}

Result<ConfigSyncFailures> read_config_sync_failures(std::string_view text)
{
    const Shown all = TRY(shown(text, "show redundancy config-sync failures"));
    ConfigSyncFailures failures;
    bool is_empty = false;
    for (const Line& line : all.lines) {
        const std::string_view one = trimmed(line.text);
        if (is_empty) return all.foreign(line.number, "there is text behind the empty list");
        if (failures.title.empty()) {
            if (!one.ends_with(" List"))
                return all.foreign(line.number, "it does not begin with a list's title");
            failures.title = one;
        } else if (same_words(one, "The list is Empty")) {
            is_empty = true;
        } else if (one == failures.title) {
            return all.foreign(line.number, "the title is there twice");
        } else if (!is_ruler(one)) {
            failures.lines.emplace_back(one);
        }
    }
    if (!is_empty && failures.lines.empty()) return all.cut("it does not say whether the list is empty");
    if (is_empty && !failures.lines.empty()) return all.foreign(0, "the list is empty, and is not");
    return failures;
}

void to_json(Json& json, const RedundancyStates& states)
{
    json = object_of(states, states_fields);
}

void to_json(Json& json, const SwitchoverHistory& history)
{
    json = {{"switchovers", Json::array()}};
    for (const Switchover& one : history.switchovers) {
        json["switchovers"].push_back({{"index", one.index}});
        put_fields(json["switchovers"].back(), one, switchover_fields);
    }
}

void to_json(Json& json, const ConfigSyncFailures& failures)
{
    json = {{"title", failures.title}, {"lines", failures.lines}};
}

}  // namespace belay::upgrade::iosxe::show
