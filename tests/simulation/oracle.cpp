#include "oracle.h"

#include "base/invariant.h"
#include "base/json.h"

#include <algorithm>

namespace belay::simulation {
namespace {

using operation::Event;
using operation::Phase;
using operation::Step;
using operation::Verb;

constexpr std::string_view staging_only = "1: before activate nothing outside the staging area has changed";
constexpr std::string_view way_back = "2: abort leaves the world as it was, or says what differs";
constexpr std::string_view one_each = "3: one operation a resource";
constexpr std::string_view timers = "5: no timer is lost, none fires early";
constexpr std::string_view intent_first = "journal: the intent is durable before the change";
constexpr std::string_view done_is_done = "journal: what is written as done is done";
constexpr std::string_view restored = "a restore brings back what was saved, and was written down before";
constexpr std::string_view not_twice = "journal: nothing is done twice that may not be";

/// The moves of an operation, written out a second time.
bool may_move(State from, State to)
{
    switch (from) {
        case State::planned:
            return to == State::adding || to == State::aborted;
        case State::adding:
            return to == State::added || to == State::aborting;
        case State::added:
            return to == State::activating || to == State::aborting;
        case State::activating:
            return to == State::activated || to == State::aborting || to == State::held;
        case State::activated:
            return to == State::committing || to == State::aborting || to == State::held;
        case State::committing:
            return to == State::committed || to == State::aborting || to == State::held;
        case State::aborting:
            return to == State::aborted || to == State::held;
        case State::held:
            return to == State::activating || to == State::committing || to == State::aborting ||
                   to == State::aborted;
        case State::committed:
        case State::aborted:
            return false;
    }
    return false;
}

State working_on(Phase phase)
{
    return phase == Phase::add        ? State::adding
           : phase == Phase::activate ? State::activating
                                      : State::committing;
}

std::string resource_of(const std::string& lock)
{
    return lock.substr(lock.find(':') + 1);
}

std::string name_before_colon(const std::string& sentence)
{
    return sentence.substr(0, sentence.find(": "));
}

}  // namespace

bool has_ended(State state)
{
    return state == State::committed || state == State::aborted;
}

bool is_at_large(State state)
{
    return state != State::planned && !has_ended(state);
}

void Oracle::violated(std::string promise, std::string what)
{
    if (!violation_) violation_ = Violation{std::move(promise), std::move(what)};
}

void Oracle::changes(const AtWork& at_work, std::string_view what, const std::map<std::string, int>& charged)
{
    if (at_work.doing == AtWork::Doing::nothing)
        return violated(std::string(intent_first), fmt::format("{}: outside of apply and revert", what));
    const auto found = steps_by_token_.find(at_work.token);
    if (found == steps_by_token_.end())
        return violated(std::string(intent_first),
                        fmt::format("{}: its operation is not in the journal", what));
    const auto& [id, index] = found->second;
    const Known& known = known_.at(id);
    const Step& step = known.plan.steps[index];
    const Known::StepTruth& truth = known.steps[index];
    if (!truth.open())
        violated(std::string(intent_first),
                 fmt::format("{}: operation {} has no intent for {}", what, id, step.name));
    const bool restores = step.restore && at_work.doing == AtWork::Doing::apply && truth.restoring;
    if (restores && known.state != State::aborting)
        violated(std::string(intent_first), fmt::format("{}: {} is restored while operation {} is {}", what,
                                                        step.name, id, name_of(known.state)));
    if (!restores && at_work.doing == AtWork::Doing::apply &&
        (known.state != working_on(step.phase) || truth.done))
        violated(std::string(intent_first), fmt::format("{}: {} acts while operation {} is {}", what,
                                                        step.name, id, name_of(known.state)));
    if (at_work.doing == AtWork::Doing::revert &&
        (known.state != State::aborting || !step.one_way.empty() || step.restore))
        violated(std::string(intent_first), fmt::format("{}: {} is undone while operation {} is {}", what,
                                                        step.name, id, name_of(known.state)));
    if (step.phase == Phase::add && !is_staging(what) && !what.starts_with("simctl try"))
        violated(std::string(staging_only), std::string(what));
    if (what.starts_with("simctl charge")) {
        const auto count = charged.find(at_work.token);
        if (count != charged.end() && count->second > 0)
            violated(std::string(not_twice), fmt::format("{} of operation {}", step.name, id));
    }
}

void Oracle::durable(const store::Transaction& transaction)
{
    for (const store::Write& write : transaction.then) {
        if (!write.key.starts_with("operation/") || !write.value) continue;
        const size_t slash = write.key.find('/', 10);
        const Id id = write.key.substr(10, slash - 10);
        const std::string_view rest = std::string_view(write.key).substr(slash + 1);
        if (rest == "plan") {
            Known known{.plan = from_json_text<operation::Plan>(*write.value).value()};
            known.steps.resize(known.plan.steps.size());
            for (size_t i = 0; i < known.plan.steps.size(); ++i)
                steps_by_token_[known.plan.steps[i].arguments.at("token")] = {id, i};
            known_[id] = std::move(known);
        } else if (rest.starts_with("record/")) {
            record(id, from_json_text<operation::Record>(*write.value).value());
        }
    }
}

Known::StepTruth& Oracle::step_of(Known& known, const Json& detail, const Step** step)
{
    const auto found = std::ranges::find(known.plan.steps, detail.at("step").get<std::string>(), &Step::name);
    INVARIANT(found != known.plan.steps.end());
    *step = &*found;
    return known.steps[static_cast<size_t>(found - known.plan.steps.begin())];
}

void Oracle::record(const Id& id, const operation::Record& record)
{
    Known& known = known_.at(id);
    if (record.number != known.next_record)
        violated("journal: records without a hole",
                 fmt::format("operation {}: {} after {}", id, record.number, known.next_record));
    known.next_record = record.number + 1;
    const Step* step = nullptr;
    switch (record.event) {
        case Event::planned:
            known.one_shot = record.detail.at("one_shot");
            break;
        case Event::state:
            moved(id, known, record.detail);
            break;
        case Event::intent:
            step_of(known, record.detail, &step).intended = true;
            break;
        case Event::outcome: {
            Known::StepTruth& truth = step_of(known, record.detail, &step);
            truth.already = record.detail.at("already");
            truth.done = true;
            if (!truth.already && !truth.intended)
                violated(std::string(intent_first),
                         fmt::format("operation {}: {} is done, without an intent", id, step->name));
            machine_.look([&](const Machine& machine) {
                if (!goal_reached(machine, *step))
                    violated(std::string(done_is_done), fmt::format("operation {}: {}", id, step->name));
            });
            break;
        }
        case Event::failed:
            known.failed_since_moved = true;
            break;
        case Event::restoring:
            step_of(known, record.detail, &step).restoring = true;
            break;
        case Event::undone: {
            Known::StepTruth& truth = step_of(known, record.detail, &step);
            truth.undone = true;
            if (step->restore) check_restored(id, *step, truth);
            break;
        }
        case Event::timer:
            timer_written(id, known);
            break;
        case Event::verified:
            known.differences = record.detail.at("differences").get<std::vector<std::string>>();
            break;
        case Event::left:
            known.cleared = true;
            break;
        case Event::checked:
        case Event::promised:  // of parts of site operations: tests/rollout
            break;
    }
}

bool Oracle::is_restoring(const Id& id) const
{
    const auto found = known_.find(id);
    return found != known_.end() &&
           std::ranges::any_of(found->second.steps,
                               [](const Known::StepTruth& step) { return step.restoring && !step.undone; });
}

/// Undone, what a step had destroyed is there as it was saved.
void Oracle::check_restored(const Id& id, const Step& step, const Known::StepTruth& truth)
{
    const std::string path =
        fmt::format("{}/old/{}", resource_path(step.arguments.at("resource").get<std::string>()),
                    step.arguments.at("name").get<std::string>());
    const std::string saved = "/saved/" + step.arguments.at("token").get<std::string>();
    machine_.look([&](const Machine& machine) {
        const std::string old = machine.text(path).value_or("nothing");
        if (machine.text(saved) != "saved " + old)
            violated(std::string(restored), fmt::format("operation {}: {} is {}", id, path, old));
    });
    restores_ += truth.restoring;
}

void Oracle::moved(const Id& id, Known& known, const Json& detail)
{
    const State from = known.state;
    const State to = operation::state_named(detail.at("to").get<std::string>()).value();
    if (!may_move(from, to))
        violated("E1: the life of an operation",
                 fmt::format("operation {} went from {} to {}", id, name_of(from), name_of(to)));
    if (to == State::held) known.held_in = from;
    if (to == State::activating && from == State::added) check_staging_only(id, known);
    if (to == State::committing && from == State::activated && known.timer && !known.timer->stopped &&
        begun > known.timer->high)
        violated(std::string(timers), fmt::format("operation {} commits after its timer ran out", id));
    known.state = to;
    if (to == State::adding) {
        known.was_added = true;
        machine_.look([&](const Machine& machine) {
            for (const std::string& lock : known.plan.locks)
                known.before.merge(slice_of(machine, resource_of(lock)));
        });
        for (const auto& [other, that] : known_) {
            if (other == id || !is_at_large(that.state)) continue;
            for (const std::string& lock : known.plan.locks) {
                if (std::ranges::find(that.plan.locks, lock) != that.plan.locks.end())
                    violated(std::string(one_each), fmt::format("{}: operations {} and {}", lock, other, id));
            }
        }
    }
    const bool was_forward = from == State::activating || from == State::activated;
    if (to == State::aborting || (to == State::held && was_forward))
        check_cause(id, known, from, detail.value("reason", ""));
    if (detail.value("reason", "").starts_with("the timer ran out")) known.timer_ran_out = true;
    if (to == State::aborted) check_aborted(id, known);
    if (to == State::committed) {
        for (size_t i = 0; i < known.steps.size(); ++i) {
            if (!known.steps[i].done || known.steps[i].undone)
                violated(std::string(done_is_done),
                         fmt::format("operation {} is committed without {}", id, known.plan.steps[i].name));
        }
    }
    known.failed_since_moved = false;
}

/// Nothing goes back without a reason, and where no other is to be seen it must be the timer's end.
void Oracle::check_cause(const Id& id, const Known& known, State from, const std::string& reason)
{
    if (asking.id == id && asking.verb == Verb::abort) return;
    if (from == State::committing)
        return violated(std::string(same_end),
                        fmt::format("the commit of operation {} was asked for, and it goes "
                                    "back: {}",
                                    id, reason));
    if (known.failed_since_moved) return;
    if (reason.starts_with("the gate ")) return;
    if (known.one_shot && !known.timer) return;  // its checks did not pass before activate
    if (!known.timer || known.timer->stopped)
        return violated(std::string(timers),
                        fmt::format("operation {} goes back without a cause: {}", id, reason));
    if (now < known.timer->low && !known.timer->uncertain)
        violated(std::string(timers),
                 fmt::format("operation {} goes back {} before its timer has run out: {}", id,
                             to_text(known.timer->low - now), reason));
}

std::vector<std::string> Oracle::differing(const Known& known) const
{
    std::map<std::string, std::string> after;
    machine_.look([&](const Machine& machine) {
        for (const std::string& lock : known.plan.locks) after.merge(slice_of(machine, resource_of(lock)));
    });
    std::vector<std::string> paths;
    for (const auto& [path, text] : known.before) {
        const auto found = after.find(path);
        if (found == after.end() || found->second != text) paths.push_back(path);
    }
    for (const auto& [path, text] : after) {
        if (!known.before.contains(path)) paths.push_back(path);
    }
    std::ranges::sort(paths);
    return paths;
}

void Oracle::check_aborted(const Id& id, const Known& known)
{
    std::vector<std::string> said;
    for (const std::string& difference : known.differences) said.push_back(name_before_colon(difference));
    std::ranges::sort(said);
    const std::vector<std::string> found = known.was_added ? differing(known) : std::vector<std::string>{};
    if (said != found && !known.cleared)
        violated(std::string(way_back), fmt::format("operation {} says that [{}] differ, and [{}] do", id,
                                                    fmt::join(said, ", "), fmt::join(found, ", ")));
    if (known.cleared) return;
    for (const std::string& path : found) {
        const bool declared = std::ranges::any_of(known.plan.left_by_abort, [&](const std::string& sentence) {
            return name_before_colon(sentence) == path;
        });
        if (!declared)
            violated(std::string(way_back),
                     fmt::format("operation {} left {}, and its plan had not said so", id, path));
    }
}

void Oracle::check_staging_only(const Id& id, const Known& known)
{
    for (const std::string& path : differing(known)) {
        if (!is_staging(path)) violated(std::string(staging_only), fmt::format("operation {}: {}", id, path));
    }
}

void Oracle::timer_written(const Id& id, Known& known)
{
    const auto starts = [&](Milliseconds length) {
        known.timer = TimerTruth{.length = length, .low = begun + length, .high = now + length};
    };
    if (known.state == State::added) return starts(known.plan.timer);
    const bool activates = asking.id == id && asking.verb == Verb::activate;
    if (known.state == State::held && activates) return starts(known.timer->length);
    if (asking.id != id || !asking.timer) return;  // the same deadline, written down anew
    TimerTruth& timer = *known.timer;
    switch (asking.timer->what) {
        case operation::TimerChange::What::stop:
            if (timer.stopped) break;
            timer.stopped = true;
            timer.low -= now;
            timer.high -= begun;
            break;
        case operation::TimerChange::What::restart:
            starts(timer.length);
            break;
        case operation::TimerChange::What::extend:
            timer.length += asking.timer->by;
            timer.low += asking.timer->by;
            timer.high += asking.timer->by;
            break;
    }
}

void Oracle::answered(const Id& id, Verb verb)
{
    const Known& known = known_.at(id);
    const bool was_planned = known.state == State::aborted && !known.was_added;
    const State wanted = verb == Verb::add        ? State::adding
                         : verb == Verb::activate ? State::activating
                         : verb == Verb::commit   ? State::committing
                         : verb == Verb::clear    ? State::aborted
                         : was_planned            ? State::aborted
                                                  : State::aborting;
    if (known.state != wanted)
        violated("4: what was answered is durable", fmt::format("operation {} was asked to {}, and is {}", id,
                                                                name_of(verb), name_of(known.state)));
}

void Oracle::clock_lost()
{
    for (auto& [id, known] : known_) {
        if (!known.timer || known.timer->stopped) continue;
        known.timer->uncertain = true;
        known.timer->high = std::max(known.timer->high, now + known.timer->length);
    }
}

void Oracle::look_around(store::Store& store)
{
    for (const auto& [id, known] : known_) {
        if (known.state == State::adding || known.state == State::added) check_staging_only(id, known);
    }
    const store::Revision revision = store.revision().value();
    if (revision == looked_at_) return;
    looked_at_ = revision;
    std::map<std::string, Id> locks;
    const std::vector<store::Entry> written = store.list("lock/").value();
    for (const store::Entry& lock : written)
        locks[lock.key.substr(5)] = parse_json(lock.value).value().at("operation");
    for (const auto& [resource, id] : locks) {
        if (!is_at_large(known_.at(id).state))
            violated(std::string(one_each),
                     fmt::format("the lock on {} outlives operation {}", resource, id));
    }
    for (const auto& [id, known] : known_) {
        if (!is_at_large(known.state)) continue;
        for (const std::string& resource : known.plan.locks) {
            const auto lock = locks.find(resource);
            if (lock == locks.end() || lock->second != id)
                violated(std::string(one_each),
                         fmt::format("operation {} works without its lock on {}", id, resource));
        }
    }
}

void Oracle::at_rest()
{
    for (const auto& [id, known] : known_) {
        switch (known.state) {
            case State::adding:
            case State::activating:
            case State::committing:
            case State::aborting:
                violated(std::string(same_end),
                         fmt::format("operation {} is stuck in {}", id, name_of(known.state)));
                break;
            case State::activated:
                if (known.timer && !known.timer->stopped && now > known.timer->high)
                    violated(std::string(timers), fmt::format("the timer of operation {} ran out {} ago", id,
                                                              to_text(now - known.timer->high)));
                break;
            default:
                break;
        }
    }
}

}  // namespace belay::simulation
