#pragma once
// A plan: what an operation will do, as data. It holds names of actions and conditions with their arguments,
// and nothing else: the journal keeps it whole, so that after a crash, or an update of Belay, no procedure is
// needed to go on. Everything variable was resolved into stable names (serial, PARTUUID, array UUID) when it
// was made.

#include "base/result.h"
#include "base/units.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::operation {

using Json = nlohmann::json;

/// The three parts of every change: prepare beside the old, switch to the new, let the old go.
enum class Phase { add, activate, commit };
std::string_view name_of(Phase phase);

/// A condition with its arguments: {"md.has_members", {"array": "...", "count": 3}}.
struct Question {
    std::string condition;
    Json arguments = Json::object();
};

/// Asked before anything is touched. `code` is stable, as "disk.unused"; `again`: also just before activate.
struct Check {
    std::string code;
    std::string title;
    Question question;
    bool again = true;
};

/// The way back of a step that destroys what it changes: another action puts back what an earlier step has
/// saved. Its inspect() says whether all is as it was saved, its apply() puts it back; it may run twice, and
/// over a restore that was cut short. `proof`: fingerprints, taken just before the step began, which must be
/// the same after the restore.
struct Restore {
    std::string from;  ///< the step that saves it
    std::string action;
    Json arguments = Json::object();
    std::vector<Question> proof = {};
};

/// One named action with arguments, on one member.
struct Step {
    std::string name;   ///< unique in the plan, as "in-sync"
    std::string title;  ///< one line for a person
    Phase phase = Phase::add;
    std::string member = {};  ///< whom it is done on; empty: the host
    std::string action;
    Json arguments = Json::object();
    std::vector<std::string> commands = {};       ///< what it runs or writes, as a person would do it by hand
    std::vector<std::string> undo_commands = {};  ///< the same for its way back
    std::string one_way = {};                     ///< why it cannot be undone; empty: it can
    std::optional<Restore> restore = {};          ///< of activate: undone by this, and not by its own action
    bool failure_aborts = false;          ///< of commit, before a one-way step: what fails for good goes back
    std::vector<Question> identity = {};  ///< must hold before it acts: are these still the same things?
    std::vector<Question> expects = {};   ///< must hold after it: the topology that the plan promises
    Milliseconds takes{0};                ///< an estimate; 0: a moment
    Milliseconds stalled_after{0};        ///< fails when it makes no progress for so long; 0: 10 min
};

/// Must hold all through the soak; broken for longer than `grace`, the operation aborts. `from`: add, where
/// it must hold while what was prepared waits for activate as well.
struct Gate {
    std::string name;
    std::string title;
    Question question;
    Milliseconds every = std::chrono::seconds(10);  ///< later where an answer takes over half of it
    Milliseconds grace = std::chrono::seconds(30);
    Phase from = Phase::activate;
};

/// Room that the plan needs on the filesystem that holds `path`, or will.
struct Room {
    std::string path;
    Bytes bytes;
};

struct Plan {
    std::string procedure;  ///< as "disk.replace"
    std::string title;      ///< one line for a person
    Json asked = Json::object();
    std::vector<Check> checks = {};
    std::vector<Step> steps = {};  ///< phases in order
    std::vector<Gate> gates = {};
    std::vector<std::string> locks = {};      ///< resources, as "md:UUID", "disk:SERIAL"
    std::vector<Question> fingerprints = {};  ///< what must be the same after an abort
    std::vector<Room> room = {};
    std::vector<std::string> keeps = {};          ///< folders of its own, which stay until it is cleaned up
    std::vector<std::string> left_by_abort = {};  ///< what an abort cannot put back, a sentence each
    std::vector<std::string> topology = {};       ///< what stands after activate, a line each
    Milliseconds timer = std::chrono::hours(2);   ///< of the auto-abort
};

/// Stands in a plan for the folder in which its operation keeps what it may put back; which that is is known
/// when the plan is kept.
inline constexpr std::string_view own_folder = "@OWN-FOLDER@";
/// The plan with that folder in its place: in steps, checks, room and what it keeps.
Plan in_folder(const Plan& plan, std::string_view folder);

void to_json(Json& json, const Question& question);
void from_json(const Json& json, Question& question);
void to_json(Json& json, const Step& step);
void from_json(const Json& json, Step& step);
void to_json(Json& json, const Plan& plan);
/// Throws Json::exception on what is not a plan: read plans with from_json_text.
void from_json(const Json& json, Plan& plan);

/// Whether a plan can be a part of a site operation: until its commit it can go back, and from there on it
/// goes forward. Errors: usage, naming the step.
Result<void> validate_as_part(const Plan& plan);

/// Whether a plan is one that the engine can carry: unique step names, phases in order, no empty action, at
/// least one step, each lock once, nothing that goes back from where there is no way back, nothing restored
/// that no step before has saved. Errors: usage, naming the step.
Result<void> validate(const Plan& plan);

}  // namespace belay::operation
