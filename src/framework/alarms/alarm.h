#pragma once
// An alarm as it is kept and shown: what was found, how it stands, and what was done about it.

#include "framework/alarms/condition.h"

namespace belay::framework::alarms {

/// raised ─► acknowledged ─► cleared; or raised ─► cleared. What comes back after that is a new alarm.
enum class State { raised, acknowledged, cleared };
std::string_view name_of(State state);

/// One reaction to one alarm, and what came of it.
struct Deed {
    /// waiting: it is to be done; doing: somebody is at it; skipped: it was of no use any more.
    enum class Stand { waiting, doing, done, failed, skipped } stand = Stand::waiting;
    configuration::Id script = 0;
    std::string name, kind;  ///< of the script, as it was then
    uint32_t attempts = 0;
    Milliseconds at{0};     ///< wall clock: when it was begun, or ended
    Milliseconds next{0};   ///< waiting: not before; doing: after that whoever did it counts as dead
    std::string by = {};    ///< doing: which daemon
    std::string what = {};  ///< what came of it, one sentence

    bool is_open() const { return stand == Stand::waiting || stand == Stand::doing; }
    bool operator==(const Deed&) const = default;
};
std::string_view name_of(Deed::Stand stand);

struct Alarm {
    uint64_t number = 0;  ///< from 1, never used again
    Key key = {};
    Severity severity = Severity::minor;
    State state = State::raised;
    uint64_t count = 0;
    Milliseconds first{0}, last{0};  ///< wall clock
    uint64_t through = 0;            ///< number of the last message that is in the count
    std::string text = {};           ///< of the last one
    std::string description = {};    ///< of the condition: what a person should do
    std::string silenced = {};       ///< why nothing was done: "muted", "maintenance"; empty: it was
    struct Acknowledgement {
        std::string by, note;
        Milliseconds at{0};

        bool operator==(const Acknowledgement&) const = default;
    };
    std::optional<Acknowledgement> acknowledged = {};
    Milliseconds ended{0};
    std::string why_ended = {};
    std::vector<Deed> deeds = {};  ///< in their order

    bool is_open() const { return state != State::cleared; }
    bool has_open_deeds() const;
    bool operator==(const Alarm&) const = default;
};

/// {"number", "alarm", "host", "application", "object", "severity", "state", "count", "first_ms", "last_ms",
/// "through", "text", "description", "silenced", "acknowledged": {"by", "note", "at_ms"}, "ended_ms",
/// "why_ended", "reactions": [{"name", "kind", "script", "state", "attempts", "at_ms", "next_ms", "by",
/// "what"}]}; what is empty is left out.
void to_json(Json& json, const Alarm& alarm);
/// Errors: corrupt.
Result<Alarm> alarm_from(const Json& json);

}  // namespace belay::framework::alarms
