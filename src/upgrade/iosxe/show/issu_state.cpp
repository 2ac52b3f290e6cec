#include "upgrade/iosxe/show/issu_state.h"

#include "upgrade/iosxe/show/install_table.h"

#include <algorithm>

namespace belay::upgrade::iosxe::show {
namespace {

using printed::trimmed;

constexpr Field<IssuState> issu_fields[] = {
    {"", "location", &IssuState::location},
    {"Current ISSU Status", "status", &IssuState::status},
    {"Previous ISSU Operation", "previous", &IssuState::previous},
    {"Operation type", "operation_type", &IssuState::operation_type},
    {"Install type", "install_type", &IssuState::install_type},
    {"Current state", "current_state", &IssuState::current_state},
    {"Last operation", "last_operation", &IssuState::last_operation},
    {"Slot being modified", "modified_slot", &IssuState::modified_slot},
    {"Loadversion time", "loadversion_time", &IssuState::loadversion_time},
    {"", "rollback_reason", &IssuState::rollback_reason},
    {"Notes", "notes", &IssuState::notes},
    {"Original (rollback) image", "original_image", &IssuState::original_image},
    {"Running image", "running_image", &IssuState::running_image},
    {"", "operating_mode", &IssuState::operating_mode},
    {"", "terminal", &IssuState::terminal},
};

constexpr Field<IssuSlot> slot_fields[] = {
    {"Slot", "slot", &IssuSlot::slot},
    {"RP State", "rp_state", &IssuSlot::rp_state},
    {"ISSU State", "issu_state", &IssuSlot::issu_state},
    {"Boot Variable", "boot_variable", &IssuSlot::boot_variable},
    {"Operating Mode", "operating_mode", &IssuSlot::operating_mode},
    {"Primary Version", "primary_version", &IssuSlot::primary_version},
    {"Secondary Version", "secondary_version", &IssuSlot::secondary_version},
    {"Current Version", "current_version", &IssuSlot::current_version},
    {"Current Image", "current_version", &IssuSlot::current_version},
    {"Standby Version", "standby_version", &IssuSlot::standby_version},
    {"Variable Store", "variable_store", &IssuSlot::variable_store},
    {"Pre-ISSU (Original) Image", "original_image", &IssuSlot::original_image},
    {"Post-ISSU (Targeted) Image", "target_image", &IssuSlot::target_image},
};

std::vector<std::string> transitions_of(std::string_view text)
{
    constexpr std::string_view arrow = "->";
    std::vector<std::string> states;
    for (;;) {
        const size_t end = text.find(arrow);
        states.emplace_back(trimmed(text.substr(0, end)));
        if (end == std::string_view::npos) return states;
        text.remove_prefix(end + arrow.size());
    }
}

/// "2019-02-08:09:28:32".
bool is_start_time(std::string_view text)
{
    constexpr std::string_view form = "0000-00-00:00:00:00";
    return std::ranges::equal(
        text, form, [](char c, char wanted) { return wanted == '0' ? c >= '0' && c <= '9' : c == wanted; });
}

class IssuReader {
  public:
    explicit IssuReader(const Shown& shown) : shown_(shown) {}

    Result<IssuState> read()
    {
        for (const Line& line : shown_.lines) {
            const std::string_view text = trimmed(line.text);
            if (is_idle_) return shown_.foreign(line.number, "there is text behind \"No ISSU operation\"");
            TRY(take_line(line, text));
        }
        TRY(check_whole());
        return std::move(state_);
    }

  private:
    Result<void> take_line(const Line& line, std::string_view text)
    {
        if (text == "No ISSU operation is in progress") {
            is_idle_ = true;
            return {};
        }
        if (const auto location = lock_location_of(text)) {
            state_.location = *location;
            return {};
        }
        if (is_ruler(text)) {
            // The second ruler of double strokes ends the checks.
            if (part_ == Part::checks && !state_.checks.empty()) part_ = Part::labels;
            return {};
        }
        if (text == "Completed operations:" || same_words(text, "Operation Start time")) {
            part_ = Part::operations;
            return {};
        }
        if (same_words(text, "System Check Status")) {
            part_ = Part::checks;
            return {};
        }
        if (const auto found = labelled(text, '=');
            found && (!state_.slots.empty() || found->label == "Slot"))
            return take_slot(line, *found);
        if (TRY(take_row(text))) return {};
        if (const auto found = labelled(text, ':')) TRY(take_label(line, *found));
        return {};
    }

    Result<void> take_slot(const Line& line, Labelled found)
    {
        if (found.label == "Slot") state_.slots.push_back({});
        TRY(take(shown_, line, slot_fields, found, state_.slots.back()));
        return {};
    }

    /// A row of a table, where the line has its columns.
    Result<bool> take_row(std::string_view text)
    {
        const std::vector<std::string_view> columns = columns_of(text);
        if (part_ == Part::checks && columns.size() == 2 && !columns[0].ends_with(':')) {
            state_.checks.push_back({.name = std::string(columns[0]), .status = std::string(columns[1])});
            return true;
        }
        if (part_ != Part::operations || text.size() < 20) return false;
        const std::string_view time = text.substr(text.size() - 19);
        if (!is_start_time(time)) return false;
        state_.completed.push_back(
            {.name = std::string(trimmed(text.substr(0, text.size() - 19))), .started = std::string(time)});
        return true;
    }

    Result<void> take_label(const Line& line, Labelled found)
    {
        part_ = Part::labels;
        if (same_words(found.label, "State transition")) {
            if (!state_.transitions.empty()) return shown_.foreign(line.number, "a second state transition");
            state_.transitions = transitions_of(found.value);
        } else if (same_words(found.label, "Auto abort timer") || same_words(found.label, "Rollback")) {
            const auto timer = rollback_of(found.value);
            if (!timer || state_.timer)
                return shown_.foreign(line.number,
                                      fmt::format("\"{}\" is no state of the abort timer", found.value));
            state_.timer = timer->timer;
            state_.rollback_reason = timer->reason;
        } else if (same_words(found.label, "Operating mode")) {
            return take_mode(line, found.value);
        } else {
            TRY(take(shown_, line, issu_fields, found, state_));
        }
        return {};
    }

    /// "sso, terminal state reached".
    Result<void> take_mode(const Line& line, std::string_view value)
    {
        const size_t comma = std::min(value.find(','), value.size());
        const std::string_view terminal = trimmed(value.substr(std::min(comma + 1, value.size())));
        if (terminal == "terminal state reached")
            state_.terminal = true;
        else if (terminal == "terminal state not reached")
            state_.terminal = false;
        else
            return shown_.foreign(line.number, fmt::format("\"{}\" is no operating mode", value));
        state_.operating_mode = value.substr(0, comma);
        return {};
    }

    Result<void> check_whole()
    {
        constexpr std::string_view end = " state";
        const bool has_operation =
            !state_.operation_type.empty() || !state_.current_state.empty() || !state_.modified_slot.empty();
        if (!state_.slots.empty()) return check_slots();
        if (is_idle_ && !has_operation) return {};
        if (is_idle_) return shown_.foreign(0, "it tells of an operation, and that there is none");
        const bool is_of_loadversion = !state_.modified_slot.empty() && !state_.last_operation.empty();
        if (!is_of_loadversion && (state_.operation_type.empty() || state_.current_state.empty()))
            return shown_.cut("it says neither that no operation is in progress nor of which kind it is");
        if (!state_.terminal) return shown_.cut("its last line, the operating mode, is not there");
        if (state_.current_state.ends_with(end))
            state_.current_state.resize(state_.current_state.size() - end.size());
        state_.in_progress = true;
        return {};
    }

    Result<void> check_slots()
    {
        for (const IssuSlot& slot : state_.slots) {
            const bool has_end = !slot.variable_store.empty() || !slot.target_image.empty();
            if (slot.rp_state.empty() || slot.issu_state.empty() || !has_end)
                return shown_.cut(fmt::format("not all of slot {} is there", slot.slot));
            state_.in_progress = state_.in_progress || !same_words(slot.issu_state, "Init");
        }
        return {};
    }

    enum class Part { labels, checks, operations };

    const Shown& shown_;
    IssuState state_;
    Part part_ = Part::labels;
    bool is_idle_ = false;
};

}  // namespace

Result<IssuState> read_issu_state(std::string_view text)
{
    const Shown all = TRY(shown(text, "show issu state detail"));
    return IssuReader(all).read();
}

void to_json(Json& json, const IssuState& state)
{
    json = {{"in_progress", state.in_progress}};
    put_fields(json, state, issu_fields);
    if (!state.checks.empty()) json["checks"] = Json::array();
    for (const IssuCheck& check : state.checks)
        json["checks"].push_back({{"name", check.name}, {"status", check.status}});
    if (!state.completed.empty()) json["completed"] = Json::array();
    for (const IssuOperation& operation : state.completed)
        json["completed"].push_back({{"name", operation.name}, {"started", operation.started}});
    if (!state.transitions.empty()) json["transitions"] = state.transitions;
    put(json, "timer", state.timer);
    if (!state.slots.empty()) json["slots"] = array_of(state.slots, slot_fields);
}

}  // namespace belay::upgrade::iosxe::show
