// The engine at work: what step() does in each state.

#include "base/invariant.h"
#include "host/one_look.h"
#include "operation/engine.h"

namespace belay::operation {
namespace {

constexpr Milliseconds stalled_by_default = std::chrono::minutes(10);

const Next again{Next::When::now, {}};
const Next idle{Next::When::idle, {}};
Next at(Milliseconds boot)
{
    return {Next::When::at, boot};
}

bool is_open(StepState::Status status)
{
    return status == StepState::Status::pending || status == StepState::Status::intended;
}

/// A step that was begun and gave no answer, and may not be done twice.
bool nobody_knows(const StepState& state, const Action& action)
{
    const bool answered = state.error && state.error->kind != ErrorKind::lost;
    return state.status == StepState::Status::intended && !answered && action.repeat() == Repeat::never;
}

/// Whether the command itself says by its error that it was not even started.
bool never_began(const Error& error)
{
    const bool began = error.kind == ErrorKind::timeout || error.kind == ErrorKind::corrupt ||
                       error.kind == ErrorKind::lost || error.kind == ErrorKind::dead;
    return error.exit_code == 0 && !began;
}

/// Whether it goes back because somebody said so, and not by itself.
bool asked_by_a_person(const Operation& operation)
{
    return !operation.transitions.empty() && !operation.transitions.back().who.empty();
}

/// A way back whose answer was lost is gone again, where nothing speaks against it.
Error to_be_tried_again(const Action& action, Error error)
{
    if (error.kind == ErrorKind::lost && action.repeat() == Repeat::safe) error.kind = ErrorKind::failed;
    return error;
}

}  // namespace

Result<Next> Engine::step(const Id& id)
{
    const SlotPointer found = TRY(slot(id));
    const std::lock_guard lock(found->mutex);
    Slot& slot = *found;
    TRY(refresh(slot));
    const host::Moment now = TRY(host_.now());
    TRY(keep_timer(slot, now));
    const uint64_t before = slot.operation.next_number;
    const std::optional<Progress> progress = slot.progress;
    Result<Next> next = work(slot, now);
    if (next && next->when != Next::When::now) {
        const Result<void> flushed = flush(slot);
        if (!flushed) next = std::unexpected(flushed.error());
    }
    if (!next) {
        slot.stale = true;
        return next;
    }
    const bool moved = slot.operation.next_number != before || slot.progress.has_value() ||
                       progress.has_value() || slot.operation.state == State::activated ||
                       (slot.operation.state == State::added && !slot.gates.empty());
    if (moved) publish(slot, now);
    return next;
}

Result<Next> Engine::work(Slot& slot, const host::Moment& now)
{
    if (now.boot < slot.not_before) return at(slot.not_before);
    switch (slot.operation.state) {
        case State::adding:
            if (TRY(obey_timer(slot, now))) return again;
            return work_on_phase(slot, Phase::add, now);
        case State::added:
            if (!slot.operation.one_shot) return soak(slot, now);
            if (const auto begun = begin_activate(slot, slot.operation.asked_by, now); !begun) {
                if (slot.stale) return std::unexpected(begun.error());
                TRY(move(slot, now, State::aborting, begun.error().what));
            }
            return again;
        case State::activating:
            if (TRY(obey_timer(slot, now))) return again;
            return work_on_phase(slot, Phase::activate, now);
        case State::activated:
            return soak(slot, now);
        case State::committing:
            return work_on_phase(slot, Phase::commit, now);
        case State::aborting:
            return go_back(slot, now);
        case State::planned:
        case State::committed:
        case State::aborted:
        case State::held:
            return idle;
    }
    return idle;
}

bool Engine::timer_ran_out(const Slot& slot, const host::Moment& now) const
{
    const std::optional<Timer>& timer = slot.operation.timer;
    return timer && !timer->stopped && left_of(*timer, now) <= Milliseconds{0};
}

/// What the timer's end decides. False: it has not ended.
Result<bool> Engine::obey_timer(Slot& slot, const host::Moment& now)
{
    if (!timer_ran_out(slot, now)) return false;
    if (const auto one_way = slot.operation.past_one_way())
        TRY(move(slot, now, State::held,
                 fmt::format("the timer ran out, and {} cannot be undone",
                             slot.operation.plan.steps[*one_way].name)));
    else
        TRY(move(slot, now, State::aborting, "the timer ran out"));
    return true;
}

Result<Next> Engine::work_on_phase(Slot& slot, Phase phase, const host::Moment& now)
{
    for (size_t i = 0; i < slot.operation.plan.steps.size(); ++i) {
        if (slot.operation.plan.steps[i].phase != phase || !is_open(slot.operation.steps[i].status)) continue;
        const bool begun = slot.operation.steps[i].status == StepState::Status::intended;
        return begun ? go_on_with_step(slot, i, now) : begin_step(slot, i, now);
    }
    return phase_done(slot, phase, now);
}

Result<void> Engine::all_hold(const std::vector<Question>& questions, ErrorKind kind, std::string_view what)
{
    host::OneLook look(host_);
    for (const Question& question : questions) {
        const Finding finding = TRY(catalogue_.ask(look, question));
        if (finding.verdict != Verdict::fail) continue;
        return fail(kind, fmt::format("{}: found {}, wanted {}", what, finding.found, finding.wanted),
                    finding.mend);
    }
    return {};
}

Result<Next> Engine::begin_step(Slot& slot, size_t index, const host::Moment& now)
{
    const Step& step = slot.operation.plan.steps[index];
    const Result<const Action*> action = catalogue_.action(step.action);
    if (!action) return step_failed(slot, index, action.error(), now);
    if (const auto same = all_hold(step.identity, ErrorKind::refused, "this is not what was planned for");
        !same)
        return step_failed(slot, index, same.error(), now);
    const Result<Inspection> inspection = (*action)->inspect(host_, step.arguments);
    if (!inspection) return step_failed(slot, index, inspection.error(), now);
    if (inspection->found == Inspection::Found::done)
        return step_done(slot, index, true, inspection->detail, now);
    const Result<Json> remembered = (*action)->remember(host_, step.arguments);
    if (!remembered) return step_failed(slot, index, remembered.error(), now);

    Json intent = {{"step", step.name}};
    if (step.restore) {
        const Result<Fingerprint> proof = ready_to_restore(slot.operation, *step.restore);
        if (!proof) return step_failed(slot, index, proof.error(), now);
        intent["before"] = *proof;
    }

    slot.operation.steps[index].remembered = *remembered;
    if (!remembered->empty()) slot.buffer.remembered[step.name] = *remembered;
    TRY(take(slot, now, Event::intent, std::move(intent)));
    TRY(flush(slot));
    return apply_step(slot, index, now);
}

Result<Next> Engine::apply_step(Slot& slot, size_t index, const host::Moment& now)
{
    const Step& step = slot.operation.plan.steps[index];
    const Result<const Action*> action = catalogue_.action(step.action);
    if (!action) return step_failed(slot, index, action.error(), now);
    if (!slot.applied) slot.progressed = now.boot;
    slot.applied = true;
    publish(slot, now);  // apply may take as long as its commands do
    const Result<void> applied = (*action)->apply(host_, step.arguments);
    return settle_step(slot, index, now, applied);
}

/// A step whose intent is in the journal: this process waits for it, or one before us began it.
Result<Next> Engine::go_on_with_step(Slot& slot, size_t index, const host::Moment& now)
{
    if (slot.applied)
        return slot.unfinished ? apply_step(slot, index, now) : settle_step(slot, index, now, {});
    const Step& step = slot.operation.plan.steps[index];
    const Result<const Action*> action = catalogue_.action(step.action);
    if (!action) return step_failed(slot, index, action.error(), now);
    if (const auto same = all_hold(step.identity, ErrorKind::refused, "this is not what was planned for");
        !same)
        return step_failed(slot, index, same.error(), now);
    const Result<Inspection> inspection = (*action)->inspect(host_, step.arguments);
    if (!inspection) return step_failed(slot, index, inspection.error(), now);
    const bool finished =
        inspection->found == Inspection::Found::done || inspection->found == Inspection::Found::running;
    if (finished) {
        slot.applied = true;
        slot.progressed = now.boot;
        return settle_step(slot, index, now, {});
    }
    if ((*action)->repeat() == Repeat::never) {
        const bool unseen = inspection->found == Inspection::Found::unseen;
        return step_failed(
            slot, index,
            Error{.kind = unseen ? ErrorKind::lost : ErrorKind::refused,
                  .what = fmt::format("the step {} was cut short, and may not be done twice", step.name)},
            now);
    }
    return apply_step(slot, index, now);
}

/// Holds the world against the goal, whatever apply said: an exit code alone proves nothing.
Result<Next> Engine::settle_step(Slot& slot, size_t index, const host::Moment& now,
                                 const Result<void>& applied)
{
    if (!applied && applied.error().kind == ErrorKind::dead) return std::unexpected(applied.error());
    const Step& step = slot.operation.plan.steps[index];
    const Action* action = TRY(catalogue_.action(step.action));
    const Result<Inspection> inspection = action->inspect(host_, step.arguments);
    if (!inspection) return step_failed(slot, index, applied ? inspection.error() : applied.error(), now);
    slot.unfinished = inspection->found == Inspection::Found::unfinished;
    if (slot.unfinished || inspection->found == Inspection::Found::running)
        return wait_for_step(slot, index, *inspection, now);
    const bool said_done = inspection->found == Inspection::Found::unseen && applied;
    if (inspection->found != Inspection::Found::done && !said_done) {
        const bool blind =
            inspection->found == Inspection::Found::unseen && action->repeat() == Repeat::never;
        if (!applied && blind && never_began(applied.error()) && slot.operation.state != State::committing)
            TRY(take(slot, now, Event::undone, {{"step", step.name}, {"detail", "it did not begin"}}));
        if (!applied) return step_failed(slot, index, applied.error(), now);
        return step_failed(
            slot, index,
            Error{.what = fmt::format("the step {} ran, and its goal is not reached{}{}", step.name,
                                      inspection->detail.empty() ? "" : ": ", inspection->detail)},
            now);
    }
    if (const auto held = all_hold(step.expects, ErrorKind::failed, "the world is not as the plan promised");
        !held)
        return step_failed(slot, index, held.error(), now);
    if (const auto durable = action->make_durable(host_, step.arguments); !durable)
        return step_failed(slot, index, durable.error(), now);
    return step_done(slot, index, false, inspection->detail, now);
}

/// When to look again at what goes on by itself (boot clock). Errors: timeout, where it has stood still for
/// too long.
Result<Milliseconds> Engine::next_look(Slot& slot, const Step& step, const Inspection& inspection,
                                       const host::Moment& now) const
{
    const bool moved =
        inspection.progress && (!slot.progress || slot.progress->done != inspection.progress->done);
    if (moved) slot.progressed = now.boot;
    slot.progress = inspection.progress;
    slot.waits_for = inspection.detail;
    const Milliseconds patience =
        step.stalled_after > Milliseconds{0} ? step.stalled_after : stalled_by_default;
    const bool limited = inspection.progress || step.stalled_after > Milliseconds{0};
    if (limited && now.boot - slot.progressed > patience)
        return fail(ErrorKind::timeout,
                    fmt::format("the step {} has made no progress for {}{}{}", step.name, to_text(patience),
                                inspection.detail.empty() ? "" : ": ", inspection.detail));
    const bool own_pace = inspection.look_again > Milliseconds{0};
    return now.boot + (own_pace ? inspection.look_again : settings_.poll);
}

Result<Next> Engine::wait_for_step(Slot& slot, size_t index, const Inspection& inspection,
                                   const host::Moment& now)
{
    const Step& step = slot.operation.plan.steps[index];
    const Result<Milliseconds> next = next_look(slot, step, inspection, now);
    if (!next) return step_failed(slot, index, next.error(), now);
    Milliseconds due = *next;
    const State state = slot.operation.state;
    if (const auto& timer = slot.operation.timer;
        timer && !timer->stopped && (state == State::adding || state == State::activating))
        due = std::min(due, now.boot + std::max(left_of(*timer, now), Milliseconds{1}));
    return at(due);
}

Result<Next> Engine::step_done(Slot& slot, size_t index, bool already, const std::string& detail,
                               const host::Moment& now)
{
    const Step& step = slot.operation.plan.steps[index];
    TRY(take(slot, now, Event::outcome, {{"step", step.name}, {"already", already}, {"detail", detail}}));
    slot.applied = false;
    slot.attempts = 0;
    slot.progress.reset();
    return again;  // the outcome becomes durable with the next record
}

Result<Next> Engine::step_failed(Slot& slot, size_t index, const Error& error, const host::Moment& now)
{
    if (error.kind == ErrorKind::dead) return std::unexpected(error);
    const Step& step = slot.operation.plan.steps[index];
    slot.applied = false;
    slot.progress.reset();
    TRY(take(slot, now, Event::failed, {{"step", step.name}, {"error", error}}));
    const std::string what = fmt::format("the step {} failed: {}", step.name, error.what);
    if (slot.operation.state == State::committing)
        return hold_or_retry(slot, what, error, now, step.failure_aborts ? State::aborting : State::held);
    if (const auto one_way = slot.operation.past_one_way()) {
        TRY(move(slot, now, State::held,
                 fmt::format("{}; {} cannot be undone", what, slot.operation.plan.steps[*one_way].name)));
        return idle;
    }
    TRY(move(slot, now, State::aborting, what));
    return again;
}

/// `then`: what becomes of it when it was tried often enough.
Result<Next> Engine::hold_or_retry(Slot& slot, const std::string& what, const Error& error,
                                   const host::Moment& now, State then)
{
    if (error.kind == ErrorKind::dead) return std::unexpected(error);
    slot.applied = false;
    if (++slot.attempts < settings_.attempts && error.kind != ErrorKind::lost &&
        error.kind != ErrorKind::version) {
        slot.not_before = now.boot + settings_.retry * (1 << (slot.attempts - 1));
        return at(slot.not_before);
    }
    TRY(move(slot, now, then, what));
    return then == State::held ? idle : again;
}

Result<Next> Engine::phase_done(Slot& slot, Phase phase, const host::Moment& now)
{
    const auto forget_gates = [&] {
        slot.gates.clear();
        slot.gates_broken_since.clear();
        slot.gates_due.clear();
    };
    switch (phase) {
        case Phase::add:
            forget_gates();
            TRY(move(slot, now, State::added, ""));
            return again;
        case Phase::activate:
            forget_gates();
            slot.soaked_at = now.boot + slot.operation.soak;
            TRY(move(slot, now, State::activated, ""));
            return again;
        case Phase::commit:
            TRY(move(slot, now, State::committed, ""));
            return idle;
    }
    return idle;
}

/// What the gates say that count in this state.
struct Engine::Watched {
    bool all_hold = true;
    std::optional<Milliseconds> due = {};  ///< boot clock: when to look again
    std::string broken = {};               ///< the one that was broken for too long, in a sentence

    void not_later_than(Milliseconds boot) { due = due ? std::min(*due, boot) : boot; }
};

Result<void> Engine::watch_gate(Slot& slot, const Gate& gate, const host::Moment& now)
{
    Milliseconds& due = slot.gates_due[gate.name];
    if (now.boot < due) return {};
    Result<Finding> finding = catalogue_.ask(host_, gate.question);
    const Milliseconds answered = TRY(host_.now()).boot;
    // What is slow to answer is left in peace for as long as it took: a disk whose light blinks rests.
    due = std::max(now.boot + gate.every, answered + std::min(answered - now.boot, gate.every));
    if (!finding && finding.error().kind == ErrorKind::dead) return std::unexpected(finding.error());
    if (!finding) finding = Finding{Verdict::fail, finding.error().what, "an answer", finding.error().next};
    slot.gates[gate.name] = {gate.name, gate.title, *finding};
    if (finding->verdict != Verdict::fail)
        slot.gates_broken_since.erase(gate.name);
    else
        slot.gates_broken_since.try_emplace(gate.name, now.boot);
    return {};
}

Result<Engine::Watched> Engine::watch_gates(Slot& slot, const host::Moment& now)
{
    Watched watched;
    for (const Gate& gate : slot.operation.plan.gates) {
        if (slot.operation.state == State::added && gate.from != Phase::add) continue;
        TRY(watch_gate(slot, gate, now));
        watched.not_later_than(slot.gates_due[gate.name]);
        const auto broken = slot.gates_broken_since.find(gate.name);
        if (broken == slot.gates_broken_since.end()) continue;
        watched.all_hold = false;
        const Milliseconds broken_for = now.boot - broken->second;
        slot.gates[gate.name].broken_for = broken_for;
        if (slot.operation.promised) continue;  // shown, and nothing goes back by it
        const Finding& finding = slot.gates[gate.name].finding;
        if (broken_for < gate.grace && !finding.is_final)
            watched.not_later_than(broken->second + gate.grace);
        else if (watched.broken.empty())
            watched.broken = fmt::format("the gate {} was broken for {}: {}", gate.name, to_text(broken_for),
                                         finding.found);
    }
    return watched;
}

/// Waits for a person, while the gates hold and the timer runs: activated, or a part that is added.
Result<Next> Engine::soak(Slot& slot, const host::Moment& now)
{
    if (TRY(obey_timer(slot, now))) return again;
    Watched watched = TRY(watch_gates(slot, now));
    if (!watched.broken.empty()) {
        const bool can_go_back = !slot.operation.past_one_way();
        TRY(move(slot, now, can_go_back ? State::aborting : State::held, watched.broken));
        return again;
    }
    if (slot.operation.one_shot && slot.operation.state == State::activated) {
        if (!slot.soaked_at) slot.soaked_at = now.boot + slot.operation.soak;
        if (now.boot >= *slot.soaked_at && watched.all_hold) {
            TRY(move(slot, now, State::committing, "one-shot"));
            return again;
        }
        if (now.boot < *slot.soaked_at) watched.not_later_than(*slot.soaked_at);
    }
    if (const auto& timer = slot.operation.timer; timer && !timer->stopped)
        watched.not_later_than(now.boot + left_of(*timer, now));
    return watched.due ? at(*watched.due) : idle;
}

Result<Next> Engine::go_back(Slot& slot, const host::Moment& now)
{
    if (const auto last = slot.operation.last_open()) return undo_step(slot, *last, now);
    return verify_and_end(slot, now);
}

Result<Next> Engine::undo_failed(Slot& slot, const Step& step, const Error& error, const host::Moment& now)
{
    if (error.kind == ErrorKind::dead) return std::unexpected(error);
    slot.progress.reset();
    TRY(take(slot, now, Event::failed, {{"step", step.name}, {"error", error}}));
    return hold_or_retry(slot, fmt::format("the step {} could not be undone: {}", step.name, error.what),
                         error, now);
}

Result<Next> Engine::undo_step(Slot& slot, size_t index, const host::Moment& now)
{
    const Step& step = slot.operation.plan.steps[index];
    const StepState& state = slot.operation.steps[index];
    INVARIANT(step.one_way.empty());
    if (step.restore) return restore_step(slot, index, now);
    const auto failed = [&](const Error& error) { return undo_failed(slot, step, error, now); };
    const Result<const Action*> action = catalogue_.action(step.action);
    if (!action) return failed(action.error());
    const auto going_back = [&] { return (*action)->going_back(host_, step.arguments, state.remembered); };
    const auto wait = [&](const Inspection& inspection) -> Result<Next> {
        const Result<Milliseconds> next = next_look(slot, step, inspection, now);
        return next ? Result<Next>(at(*next)) : failed(next.error());
    };
    const bool sees = (*action)->sees_remains(step.arguments);
    if (!sees && nobody_knows(state, **action) && !asked_by_a_person(slot.operation)) {
        TRY(move(
            slot, now, State::held,
            fmt::format("nobody knows whether the step {} ran, so it is not undone unasked: look whether it "
                        "did, and do it by hand if not; abort then undoes it with all the rest",
                        step.name)));
        return idle;
    }
    const bool was_done = !sees && state.status == StepState::Status::done;
    Result<std::string> remains = was_done ? Result<std::string>("what it did")
                                           : (*action)->remains(host_, step.arguments, state.remembered);
    if (!remains) return failed(remains.error());
    std::string detail = "nothing of it was there";
    if (!remains->empty()) {
        detail = fmt::format("undone: {}", *remains);
        const auto under_way = going_back();
        if (!under_way) return failed(under_way.error());
        if (*under_way) return wait(**under_way);
        const Result<void> reverted = (*action)->revert(host_, step.arguments, state.remembered);
        if (!reverted && reverted.error().kind == ErrorKind::dead) return std::unexpected(reverted.error());
        if (!sees && !reverted) return failed(to_be_tried_again(**action, reverted.error()));
        if (sees) remains = (*action)->remains(host_, step.arguments, state.remembered);
        if (!remains) return failed(remains.error());
        if (sees && !remains->empty()) {
            const auto begun = going_back();
            if (begun && *begun) return wait(**begun);
            // What was going by itself may have gone between the two looks.
            remains = (*action)->remains(host_, step.arguments, state.remembered);
            if (!remains) return failed(remains.error());
        }
        if (sees && !remains->empty()) {
            return failed(reverted ? Error{.what = fmt::format("there still is {}", *remains)}
                                   : reverted.error());
        }
    }
    // Also where nothing is left: one before us may have undone it, and no more.
    if (const auto durable = (*action)->make_durable(host_, step.arguments); !durable)
        return failed(durable.error());
    TRY(take(slot, now, Event::undone, {{"step", step.name}, {"detail", detail}}));
    slot.attempts = 0;
    slot.progress.reset();
    TRY(flush(slot));
    return again;
}

Result<Next> Engine::verify_and_end(Slot& slot, const host::Moment& now)
{
    const Result<Fingerprint> after = fingerprint(host_, slot.operation.plan.fingerprints);
    // Nobody can be asked for it now. What makes it says by another error that it was waited for long enough.
    if (!after && after.error().kind == ErrorKind::unavailable) {
        slot.not_before = now.boot + settings_.retry;
        return at(slot.not_before);
    }
    if (!after) {
        return hold_or_retry(
            slot, fmt::format("everything is undone, and it cannot be proven: {}", after.error().what),
            after.error(), now);
    }
    TRY(take(slot, now, Event::verified, {{"differences", differences_of(slot.operation.before, *after)}}));
    TRY(move(slot, now, State::aborted, slot.operation.reason));
    return idle;
}

}  // namespace belay::operation
