// Parts: the member operations of a site operation, as their host's engine keeps them.

#include "host/one_look.h"
#include "operation/engine.h"

namespace belay::operation {
namespace {

Error not_a_part(const Id& id)
{
    return Error{.kind = ErrorKind::refused,
                 .what = fmt::format("operation {} is no part of a site operation", id),
                 .next = "belay show " + id};
}

std::string name_in_site(const Part& part)
{
    return fmt::format("operation {} of the site {}", part.operation, part.site);
}

}  // namespace

Result<Operation> Engine::adopt(const Plan& plan, const Part& part, const Asker& asker)
{
    TRY(validate(part));
    TRY(validate_as_part(plan));
    for (bool again = true;; again = false) {
        if (const std::optional<Journal::Adopted> before = TRY(journal_->adopted(part.key))) {
            if (!before->operation)
                return fail(ErrorKind::refused, fmt::format("{} was given up before its part {} came",
                                                            name_in_site(part), part.key));
            Operation operation = TRY(show(*before->operation)).operation;
            if (Json(operation.plan) != Json(in_folder(plan, folder_of(operation.id))) ||
                operation.part != part)
                return fail(ErrorKind::refused, fmt::format("another plan was adopted as {}, by operation {}",
                                                            part.key, operation.id));
            return operation;
        }
        Result<Operation> made = make(plan, asker, {}, &part);
        // Somebody was faster with the same key; what came of that stands there now.
        const bool taken = !made && made.error().kind == ErrorKind::busy && again;
        if (!taken) return made;
    }
}

Result<void> Engine::give_up(std::string_view key, const Asker& asker)
{
    const host::Moment now = TRY(host_.now());
    TRY(validate(Part{.key = std::string(key), .site = {}, .operation = {}}));
    return journal_->give_up(key, audit_of(now, "abort", Id(key), asker, "given up before it came"));
}

/// What changes a part and not its state; `change` takes in what is to be written, if anything.
template <typename Change>
Result<Operation> Engine::change_part(const Id& id, std::string_view verb, const Asker& asker, Change change)
{
    const SlotPointer found = TRY(slot(id));
    const std::lock_guard lock(found->mutex);
    Slot& slot = *found;
    TRY(refresh(slot));
    const host::Moment now = TRY(host_.now());
    if (!slot.operation.part) return std::unexpected(not_a_part(id));
    const bool waits = slot.operation.state == State::activated || slot.operation.state == State::added;
    if (waits && TRY(obey_timer(slot, now))) publish(slot, now);
    const size_t written = slot.buffer.records.size();
    const Result<void> changed = change(slot, now);
    if (!changed) {
        slot.buffer.audit.reset();
        static_cast<void>(
            journal_->write_audit(audit_of(now, verb, id, asker, changed.error().what)).has_value());
        return std::unexpected(changed.error());
    }
    if (slot.buffer.records.size() == written) return slot.operation;
    slot.buffer.audit = audit_of(now, verb, id, asker, "accepted");
    TRY(flush(slot));
    publish(slot, now);
    return slot.operation;
}

/// Asked now, whatever was found when they were last due.
Result<void> Engine::gates_hold(const Operation& operation)
{
    host::OneLook look(host_);
    for (const Gate& gate : operation.plan.gates) {
        const Finding finding = TRY(catalogue_.ask(look, gate.question));
        if (finding.verdict == Verdict::fail)
            return fail(ErrorKind::refused,
                        fmt::format("the gate {} is broken: {}", gate.name, finding.found), finding.mend);
    }
    return {};
}

Result<Operation> Engine::promise(const Id& id, const Asker& asker)
{
    return change_part(id, "promise", asker, [&](Slot& slot, const host::Moment& now) -> Result<void> {
        const Operation& operation = slot.operation;
        if (operation.state != State::activated)
            return fail(
                ErrorKind::refused,
                fmt::format("operation {} cannot promise to stay: it is {}{}{}", id, name_of(operation.state),
                            operation.reason.empty() ? "" : ": ", operation.reason));
        if (operation.promised) return {};
        TRY(gates_hold(operation));
        TRY(take(slot, now, Event::promised,
                 {{"promised", true},
                  {"who", asker.user},
                  {"reason", fmt::format("promised to {}: it no longer aborts by itself",
                                         name_in_site(*operation.part))}}));
        if (operation.timer) TRY(take(slot, now, Event::timer, stopped(*operation.timer, now)));
        return {};
    });
}

Result<Operation> Engine::release(const Id& id, Milliseconds left, const Asker& asker)
{
    return change_part(id, "release", asker, [&](Slot& slot, const host::Moment& now) -> Result<void> {
        const Operation& operation = slot.operation;
        if (operation.state != State::activated || !operation.promised) return {};
        TRY(take(slot, now, Event::promised,
                 {{"promised", false},
                  {"who", asker.user},
                  {"reason", fmt::format("{} no longer wants its promise: it aborts by itself again",
                                         name_in_site(*operation.part))}}));
        const Timer before = operation.timer.value_or(Timer{.stopped = true});
        return take(slot, now, Event::timer, at_least(before, left, now));
    });
}

Result<Operation> Engine::keep_going(const Id& id, Milliseconds left, const Asker& asker)
{
    return change_part(id, "keep", asker, [&](Slot& slot, const host::Moment& now) -> Result<void> {
        const std::optional<Timer>& timer = slot.operation.timer;
        const bool runs = slot.operation.state == State::adding || slot.operation.state == State::added ||
                          slot.operation.state == State::activating ||
                          slot.operation.state == State::activated;
        if (!runs || !timer || timer->stopped) return {};
        const Milliseconds before = left_of(*timer, now);
        if (before <= Milliseconds{0} || before >= left) return {};
        return take(slot, now, Event::timer, at_least(*timer, left, now));
    });
}

}  // namespace belay::operation
