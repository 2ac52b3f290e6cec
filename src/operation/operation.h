#pragma once
// An operation as its journal tells it: the plan, and what became of it so far. The records are the truth; an
// Operation is only what they add up to, so after a crash it is the same as before.

#include "operation/action.h"
#include "operation/plan.h"
#include "operation/state.h"
#include "operation/timer.h"

#include <optional>
#include <string>
#include <vector>

namespace belay::operation {

/// A number in decimal, never used again; after an "S" where it is of a site with a journal of its own.
using Id = std::string;

/// Who asks, from where, and why.
struct Asker {
    std::string user;    ///< as "root"
    std::string origin;  ///< as "uid 0, pid 812 by the local socket"
    std::string why = {};
};

/// Whose part an operation is: the site operation that it was adopted for. Its abort timer runs from add on,
/// so that what was prepared goes back by itself when nobody speaks for the site any more.
struct Part {
    std::string key;        ///< never used for anything else: asked for again, the same operation is meant
    std::string site;       ///< as "branch-3"
    std::string operation;  ///< the site's number of it, as "7"

    bool operator==(const Part&) const = default;
};
void to_json(Json& json, const Part& part);
void from_json(const Json& json, Part& part);
/// A key of 1..200 visible ASCII characters. Errors: usage.
Result<void> validate(const Part& part);

/// What is written to the journal. The names are the stable ones of name_of().
enum class Event {
    planned,  ///< {title, who, origin, why, one_shot, soak_ms, version, before: fingerprint}; perhaps {part}
    state,    ///< {to, reason, who}; to "held" also {in}
    checked,  ///< {findings}
    intent,   ///< {step}: it is about to act; what revert needs was remembered with it. Of a step that is
              ///< undone by a restore also {before}: the fingerprint that must be there again then
    outcome,  ///< {step, already, detail}: the goal is reached; already: it was before we came
    failed,   ///< {step, error}
    restoring,  ///< {step}: what was saved is about to be put back, over whatever is there
    undone,     ///< {step, detail}: nothing of ours is left
    timer,      ///< the Timer
    verified,   ///< {differences}: the world after an abort, held against the world before
    left,       ///< {behind}: what a cleared operation leaves
    promised,   ///< {promised, who, reason}: a part stays as it is until the site says commit or abort; or no
                ///< more
};
std::string_view name_of(Event event);

struct Record {
    uint64_t number = 0;  ///< 0, 1, 2... without a hole
    Milliseconds at{0};   ///< wall clock
    Event event = Event::planned;
    Json detail = Json::object();
};
void to_json(Json& json, const Record& record);
void from_json(const Json& json, Record& record);

struct StepState {
    enum class Status { pending, intended, done, already, undone } status = Status::pending;
    Milliseconds started{0};
    Milliseconds ended{0};
    std::string detail = {};
    std::optional<Error> error = {};
    Json remembered = Json::object();
    Fingerprint proof = {};  ///< of what its restore must bring back
    bool restoring = false;  ///< what it changed is being put back, or was before it was undone
};
std::string_view name_of(StepState::Status status);

struct Checked {
    std::string code;
    std::string title;
    Finding finding;
};
void to_json(Json& json, const Checked& checked);
void from_json(const Json& json, Checked& checked);
bool any_failed(const std::vector<Checked>& findings);

struct Transition {
    State to;
    Milliseconds at;
    std::string who;
    std::string reason;
};

/// A command that leads on from a state: "belay commit 7", and what it does.
struct WayOn {
    Verb verb;
    std::string command;
    std::string meaning;
};

struct Operation {
    Id id = {};
    Plan plan = {};
    State state = State::planned;
    State held_in = State::planned;  ///< where it was going when it was held
    std::string reason = {};         ///< of the last transition
    Asker asked_by = {};
    Milliseconds created{0};
    bool one_shot = false;
    Milliseconds soak{0};  ///< of a one-shot, before it commits
    std::optional<Part> part = {};
    bool promised = false;  ///< it does not abort by itself: the site decides
    std::vector<StepState> steps = {};
    std::vector<Checked> findings = {};
    std::optional<Timer> timer = {};
    Fingerprint before = {};
    bool verified = false;  ///< differences were looked for after an abort
    std::vector<std::string> differences = {};
    std::vector<std::string> left_behind = {};
    std::vector<Transition> transitions = {};
    uint64_t next_number = 0;  ///< of the record to come
    bool cleared = false;

    /// Takes in the next record. Errors: corrupt, where the record does not fit the plan.
    Result<void> take(const Record& record);

    /// The last step that was begun and not undone: the first that an abort has to look at.
    std::optional<size_t> last_open() const;
    /// A step whose way back is gone has been begun; its index.
    std::optional<size_t> past_one_way() const;
    /// Null if the verb may be asked now; else the refusal: what the state is, and the commands that lead on.
    std::optional<Error> refusal(Verb verb) const;
    /// What a person can do now; empty only when it has ended.
    std::vector<WayOn> ways_on() const;
};

/// The stable form of `--json`, without the remembered data.
void to_json(Json& json, const Operation& operation);

}  // namespace belay::operation
