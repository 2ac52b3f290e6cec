// The way back of a step that destroyed what it changed: what an earlier step has saved is put back, and a
// fingerprint proves it.

#include "operation/engine.h"

namespace belay::operation {
namespace {

std::string lines_of(const Fingerprint& proof)
{
    return proof.size() == 1 ? "1 line of its fingerprint is"
                             : fmt::format("all {} lines of its fingerprint are", proof.size());
}

}  // namespace

/// Before a step begins that is undone by a restore: what was saved is whole now, and what it must bring back
/// is written down. Errors: refused, where it is not whole; those of the machine.
Result<Fingerprint> Engine::ready_to_restore(const Operation& operation, const Restore& restore)
{
    for (const Step& step : operation.plan.steps) {
        if (step.name != restore.from) continue;
        const Action* saving = TRY(catalogue_.action(step.action));
        const Inspection saved = TRY(saving->inspect(host_, step.arguments));
        if (saved.found != Inspection::Found::done)
            return fail(ErrorKind::refused,
                        fmt::format("what the step {} has saved is not whole{}{}, and there would be no way "
                                    "back without it",
                                    step.name, saved.detail.empty() ? "" : ": ", saved.detail));
    }
    return fingerprint(host_, restore.proof);
}

/// Undoes a step by its restore. It may have been begun by a process before this one, and cut short.
Result<Next> Engine::restore_step(Slot& slot, size_t index, const host::Moment& now)
{
    const Step& step = slot.operation.plan.steps[index];
    const StepState& state = slot.operation.steps[index];
    if (!state.restoring) {
        const Result<const Action*> own = catalogue_.action(step.action);
        if (!own) return undo_failed(slot, step, own.error(), now);
        const Result<std::string> remains = (*own)->remains(host_, step.arguments, state.remembered);
        if (!remains) return undo_failed(slot, step, remains.error(), now);
        if (remains->empty()) {
            TRY(take(slot, now, Event::undone,
                     {{"step", step.name}, {"detail", "nothing of it was there, so nothing was restored"}}));
            slot.attempts = 0;
            TRY(flush(slot));
            return {Next{Next::When::now, {}}};
        }
    }
    return put_back(slot, index, now);
}

/// Looks, and writes only where it is not all there. The things it is written to must still be the same at
/// each turn, and that it is written must be durable before.
Result<Next> Engine::put_back(Slot& slot, size_t index, const host::Moment& now)
{
    const Step& step = slot.operation.plan.steps[index];
    const auto failed = [&](const Error& error) { return undo_failed(slot, step, error, now); };
    const Result<const Action*> action = catalogue_.action(step.restore->action);
    if (!action) return failed(action.error());
    const auto look = [&] { return (*action)->inspect(host_, step.restore->arguments); };
    if (const auto same = all_hold(step.identity, ErrorKind::refused, "this is not what was saved"); !same)
        return failed(same.error());
    Result<Inspection> inspection = look();
    if (!inspection) return failed(inspection.error());
    using Found = Inspection::Found;
    Result<void> applied;
    if (inspection->found != Found::done && inspection->found != Found::running) {
        if (!slot.operation.steps[index].restoring)
            TRY(take(slot, now, Event::restoring, {{"step", step.name}}));
        TRY(flush(slot));
        publish(slot, now);  // it may take as long as its commands do
        applied = (*action)->apply(host_, step.restore->arguments);
        if (!applied && applied.error().kind == ErrorKind::dead) return std::unexpected(applied.error());
        inspection = look();
        if (!inspection) return failed(applied ? inspection.error() : applied.error());
    }
    if (inspection->found == Found::running || inspection->found == Found::unfinished) {
        const Result<Milliseconds> next = next_look(slot, step, *inspection, now);
        return next ? Result<Next>(Next{Next::When::at, *next}) : failed(next.error());
    }
    if (inspection->found != Found::done)
        return failed(
            applied ? Error{.what = fmt::format("what was saved is not all back{}{}",
                                                inspection->detail.empty() ? "" : ": ", inspection->detail)}
                    : applied.error());
    if (const auto durable = (*action)->make_durable(host_, step.restore->arguments); !durable)
        return failed(durable.error());
    return prove_restored(slot, index, now);
}

Result<Next> Engine::prove_restored(Slot& slot, size_t index, const host::Moment& now)
{
    const Step& step = slot.operation.plan.steps[index];
    const Fingerprint& wanted = slot.operation.steps[index].proof;
    const Result<Fingerprint> found = fingerprint(host_, step.restore->proof);
    if (!found) return undo_failed(slot, step, found.error(), now);
    const std::vector<std::string> differences = differences_of(wanted, *found);
    if (!differences.empty())
        return undo_failed(slot, step,
                           Error{.what = fmt::format("it was restored, and is not what it was: {}",
                                                     fmt::join(differences, "; "))},
                           now);
    TRY(take(slot, now, Event::undone,
             {{"step", step.name},
              {"detail", fmt::format("restored from what {} had saved; {} as before", step.restore->from,
                                     lines_of(wanted))}}));
    slot.attempts = 0;
    slot.progress.reset();
    TRY(flush(slot));
    return {Next{Next::When::now, {}}};
}

/// Removes the folders that an ended operation has kept, or says that it would.
Result<void> Engine::clean_kept(const Operation& operation, bool dry_run, Cleaned& cleaned)
{
    for (const std::string& folder : operation.plan.keeps) {
        const Result<std::vector<std::string>> names = host_.list(folder);
        if (!names && names.error().kind == ErrorKind::not_found) continue;
        if (!names) return std::unexpected(names.error());
        const host::Outcome used =
            TRY(host::run_checked(host_, {.argv = {"du", "--summarize", "--bytes", folder}}));
        const Bytes size{std::strtoull(used.out.c_str(), nullptr, 10)};
        cleaned.freed.count += size.count;
        cleaned.removed.push_back(
            fmt::format("the restore point of operation {}, {} ({})", operation.id, folder, to_text(size)));
        if (!dry_run)
            TRY(host::run_checked(host_,
                                  {.argv = {"rm", "--recursive", "--force", "--one-file-system", folder},
                                   .effect = host::Effect::changes,
                                   .limit = std::chrono::hours(1)}));
    }
    return {};
}

}  // namespace belay::operation
