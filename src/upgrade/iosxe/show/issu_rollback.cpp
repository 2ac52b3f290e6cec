#include "upgrade/iosxe/show/issu_rollback.h"

#include "upgrade/iosxe/show/install_table.h"

namespace belay::upgrade::iosxe::show {
namespace {

constexpr std::string_view no_operation = "no ISSU operation is in progress";

constexpr Field<IssuRollback> rollback_fields[] = {
    {"", "location", &IssuRollback::location},
    {"", "reason", &IssuRollback::reason},
    {"Rollback Process State", "process_state", &IssuRollback::process_state},
    {"Configured Rollback Time", "configured_time", &IssuRollback::configured_time},
    {"Automatic Rollback Time", "automatic_time", &IssuRollback::automatic_time},
};

/// "inactive, no ISSU operation is in progress"; "automatic, remaining time before rollback: 00:35:58".
bool take_rollback(std::string_view text, IssuRollback& into)
{
    if (const auto reason = after(text, "inactive,")) {
        into.reason = *reason;
        return into.reason == no_operation;
    }
    const auto timer = auto_abort_timer_of(text);
    if (timer) into.timer = *timer;
    return timer.has_value();
}

/// "45:00".
bool is_minutes(std::string_view text)
{
    const size_t colon = text.find(':');
    return colon != std::string_view::npos && colon > 0 && text.size() == colon + 3 &&
           printed::whole_number(text.substr(0, colon)) && printed::whole_number(text.substr(colon + 1));
}

}  // namespace

Result<IssuRollback> read_issu_rollback(std::string_view text)
{
    const Shown all = TRY(shown(text, "show issu rollback-timer"));
    IssuRollback found;
    bool is_said = false;
    for (const Line& line : all.lines) {
        const std::string_view one = printed::trimmed(line.text);
        if (const auto location = lock_location_of(one)) {
            found.location = *location;
        } else if (const auto rollback = after(one, "Rollback:")) {
            if (is_said || !take_rollback(*rollback, found))
                return all.foreign(line.number, fmt::format("\"{}\" is no state of the timer", *rollback));
            is_said = true;
        } else if (const auto label = labelled(one, '=')) {
            TRY(take(all, line, rollback_fields, *label, found));
        }
    }
    if (found.process_state) {
        found.timer.active = same_words(*found.process_state, "In progress");
        if (!found.configured_time || !is_minutes(*found.configured_time) ||
            (found.automatic_time && !is_minutes(*found.automatic_time)))
            return all.cut("a time is not there");
        is_said = true;
    }
    if (!is_said) return all.cut("it does not say how the timer is");
    return found;
}

void to_json(Json& json, const IssuRollback& rollback)
{
    json = object_of(rollback, rollback_fields);
    json["timer"] = rollback.timer;
}

}  // namespace belay::upgrade::iosxe::show
