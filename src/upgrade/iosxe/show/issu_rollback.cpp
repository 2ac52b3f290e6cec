#include "upgrade/iosxe/show/issu_rollback.h"

#include "upgrade/iosxe/show/install_table.h"

namespace belay::upgrade::iosxe::show {
namespace {

constexpr Field<IssuRollback> rollback_fields[] = {
    {"", "location", &IssuRollback::location},
    {"", "reason", &IssuRollback::reason},
    {"Rollback Process State", "process_state", &IssuRollback::process_state},
    {"Configured Rollback Time", "configured_time", &IssuRollback::configured_time},
    {"Automatic Rollback Time", "automatic_time", &IssuRollback::automatic_time},
};

/// "45:00", "00:45:00".
bool is_clock(std::string_view text)
{
    const size_t colon = text.rfind(':');
    return text.find_first_not_of("0123456789:") == std::string_view::npos &&
           colon != std::string_view::npos && colon > 0 && text.size() == colon + 3;
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
        } else if (const auto said = after(one, "Rollback:")) {
            const auto rollback = rollback_of(*said);
            if (is_said || !rollback)
                return all.foreign(line.number, fmt::format("\"{}\" is no state of the timer", *said));
            found.timer = rollback->timer;
            found.reason = rollback->reason;
            is_said = true;
        } else if (const auto label = labelled(one, '=')) {
            TRY(take(all, line, rollback_fields, *label, found));
        } else if (!one.starts_with("--- ") && !one.starts_with("Finished ")) {
            return all.foreign(line.number, "it says nothing of the timer");
        }
    }
    if (found.process_state) {
        found.timer.active = same_words(*found.process_state, "In progress");
        if (!found.configured_time || !is_clock(*found.configured_time) ||
            (found.automatic_time && !is_clock(*found.automatic_time)))
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
