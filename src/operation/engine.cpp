#include "operation/engine.h"

#include "base/invariant.h"
#include "base/json.h"
#include "host/one_look.h"

namespace belay::operation {
namespace {

constexpr Milliseconds forgotten_plan_age = std::chrono::hours(24);

Error failed_checks(const Plan& plan, const std::vector<Checked>& findings)
{
    std::vector<std::string> said;
    std::string mend;
    for (const Checked& checked : findings) {
        if (checked.finding.verdict != Verdict::fail) continue;
        said.push_back(fmt::format("{}: {}", checked.code, checked.finding.found));
        if (mend.empty()) mend = checked.finding.mend;
    }
    return Error{.kind = ErrorKind::refused,
                 .what = fmt::format("{} cannot begin: {}", plan.procedure, fmt::join(said, "; ")),
                 .next = mend};
}

}  // namespace

void to_json(Json& json, const View& view)
{
    json = view.operation;
    if (view.current) json["current_step"] = view.operation.plan.steps[*view.current].name;
    if (view.progress) {
        const Progress& progress = *view.progress;
        json["progress"] = {{"done", progress.done},
                            {"total", progress.total},
                            {"per_second", progress.per_second},
                            {"unit", progress.unit}};
        if (const auto left = progress.left()) json["progress"]["left_ms"] = left->count();
        if (!view.waits_for.empty()) json["waits_for"] = view.waits_for;
    }
    if (view.operation.timer && view.seen) {
        json["timer"]["left_ms"] = left_of(*view.operation.timer, *view.seen).count();
        json["seen_wall_ms"] = view.seen->wall.count();
    }
    Json gates = Json::array();
    for (const GateView& gate : view.gates) {
        Json one = Checked{gate.name, gate.title, gate.finding};
        if (gate.broken_for) one["broken_for_ms"] = gate.broken_for->count();
        gates.push_back(std::move(one));
    }
    json["gates"] = std::move(gates);
    if (view.stuck) json["stuck"] = *view.stuck;
}

Result<std::unique_ptr<Engine>> Engine::open(store::Store& store, host::Host& host,
                                             const Catalogue& catalogue, Settings settings)
{
    std::unique_ptr<Engine> engine(new Engine(store, host, catalogue, std::move(settings)));
    engine->journal_ = TRY(Journal::open(store, engine->settings_.prefix));
    const Result<void> timers = engine->clock_was_set();
    // A full store must not keep anybody from looking: step() writes the timers down once there is room.
    if (!timers && timers.error().kind != ErrorKind::no_space) return std::unexpected(timers.error());
    return engine;
}

Result<Engine::SlotPointer> Engine::slot(const Id& id)
{
    const std::lock_guard lock(slots_mutex_);
    const auto found = slots_.find(id);
    if (found != slots_.end()) return found->second;
    auto fresh = std::make_shared<Slot>();
    fresh->operation = TRY(journal_->load(id));
    // What has ended changes no more and is read from the journal when somebody asks.
    if (is_ended(fresh->operation.state)) return fresh;
    // Who looks waits for nobody, also where a request asks who looks: a controller its own host.
    fresh->view.emplace(View{.operation = fresh->operation});
    slots_.emplace(id, fresh);
    return fresh;
}

/// After a write whose end nobody knows, or a contact that died, only the journal can say where the operation
/// stands.
Result<void> Engine::refresh(Slot& slot)
{
    if (!slot.stale) return {};
    slot.operation = TRY(journal_->load(slot.operation.id));
    slot.buffer = {};
    slot.unseen.clear();
    if (const std::lock_guard lock(slot.view_mutex); slot.view) slot.view->operation = slot.operation;
    slot.applied = false;
    slot.progress.reset();
    slot.stale = false;
    return {};
}

void Engine::publish(Slot& slot, const host::Moment& now)
{
    {
        const std::lock_guard lock(slot.view_mutex);
        if (!slot.view) {
            slot.view.emplace(View{.operation = slot.operation});
            slot.unseen.clear();
        }
        View& view = *slot.view;
        for (const Record& record : slot.unseen) INVARIANT(view.operation.take(record).has_value());
        slot.unseen.clear();
        view.progress = slot.progress;
        view.waits_for = slot.waits_for;
        view.seen = now;
        view.current.reset();
        for (size_t i = 0; i < slot.operation.steps.size() && !view.current; ++i) {
            if (slot.operation.steps[i].status == StepState::Status::intended) view.current = i;
        }
        if (slot.operation.state == State::aborting && slot.progress)
            view.current = slot.operation.last_open();
        view.gates.clear();
        if (slot.operation.state == State::activated || slot.operation.state == State::added) {
            for (const auto& [name, gate] : slot.gates) view.gates.push_back(gate);
        }
    }
    settings_.changed(slot.operation.id);
}

Result<View> Engine::show(const Id& id)
{
    const SlotPointer found = TRY(slot(id));
    std::optional<View> view;
    {
        const std::lock_guard lock(found->view_mutex);
        view = found->view;
    }
    if (!view) {
        const std::lock_guard lock(found->mutex);
        TRY(refresh(*found));
        view.emplace(View{.operation = found->operation});
    }
    view->seen = TRY(host_.now());
    return std::move(*view);
}

Result<void> Engine::take(Slot& slot, const host::Moment& now, Event event, Json detail)
{
    Record record{slot.operation.next_number, now.wall, event, std::move(detail)};
    TRY(slot.operation.take(record));
    slot.unseen.push_back(record);
    slot.buffer.records.push_back(std::move(record));
    return {};
}

Result<void> Engine::flush(Slot& slot)
{
    if (slot.buffer.records.empty()) return {};
    const Result<void> written = journal_->append(slot.operation, slot.buffer);
    slot.buffer = {};
    if (!written) slot.stale = true;
    return written;
}

Result<void> Engine::move(Slot& slot, const host::Moment& now, State to, std::string reason,
                          const Asker* asker)
{
    Json detail = {{"to", name_of(to)}, {"reason", std::move(reason)}};
    if (asker != nullptr) detail["who"] = asker->user;
    TRY(take(slot, now, Event::state, std::move(detail)));
    slot.buffer.ends = slot.buffer.ends || is_ended(to);
    slot.attempts = 0;
    slot.not_before = Milliseconds{0};
    slot.applied = false;
    slot.progress.reset();
    TRY(flush(slot));
    if (is_ended(to)) {
        const std::lock_guard lock(slots_mutex_);
        slots_.erase(slot.operation.id);
    }
    return {};
}

Json Engine::audit_of(const host::Moment& now, std::string_view verb, const Id& id, const Asker& asker,
                      std::string_view answer) const
{
    return {{"at_ms", now.wall.count()}, {"verb", verb},     {"operation", id}, {"who", asker.user},
            {"origin", asker.origin},    {"why", asker.why}, {"answer", answer}};
}

Result<void> Engine::write_audit(std::string_view verb, std::string_view object, const Asker& asker,
                                 std::string_view answer)
{
    const host::Moment now = TRY(host_.now());
    Json entry = audit_of(now, verb, "", asker, answer);
    entry["object"] = object;
    return journal_->write_audit(entry);
}

/// What is not there yet is made on the filesystem of what it will lie in.
static Result<host::Space> space_at(host::Host& host, std::string path)
{
    while (true) {
        Result<host::Space> space = host.space(path);
        const size_t slash = path.rfind('/');
        if (space || space.error().kind != ErrorKind::not_found || slash == std::string::npos || path == "/")
            return space;
        path = slash == 0 ? "/" : path.substr(0, slash);
    }
}

std::vector<Checked> Engine::ask_all(host::Host& host, const Plan& plan, bool only_again) const
{
    std::vector<Checked> findings;
    for (const Check& check : plan.checks) {
        if (only_again && !check.again) continue;
        Result<Finding> finding = catalogue_.ask(host, check.question);
        if (!finding)
            finding = Finding{Verdict::fail, finding.error().what, "an answer to the question",
                              finding.error().next};
        findings.push_back({check.code, check.title, *finding});
    }
    std::vector<Room> rooms = plan.room;
    if (!settings_.state_folder.empty()) rooms.push_back({settings_.state_folder, settings_.reserve});
    for (const Room& room : rooms) {
        const Result<host::Space> space = space_at(host, room.path);
        Finding finding{Verdict::pass, "", fmt::format("{} free", to_text(room.bytes))};
        if (!space) {
            finding.verdict = Verdict::fail;
            finding.found = space.error().what;
        } else {
            finding.found = fmt::format("{} free in {}", to_text(space->free), room.path);
            if (space->free < room.bytes) {
                finding.verdict = Verdict::fail;
                finding.mend = fmt::format("make room in {}", room.path);
            }
        }
        findings.push_back({"room", fmt::format("there is room in {}", room.path), finding});
    }
    return findings;
}

/// Where an operation keeps what it may put back.
std::string Engine::folder_of(std::string_view id) const
{
    return fmt::format("{}/restore-points/{}", settings_.state_folder, id);
}

Result<std::vector<Checked>> Engine::check(const Plan& plan)
{
    host::OneLook look(host_);
    return check(look, plan);
}

Result<std::vector<Checked>> Engine::check(host::Host& host, const Plan& plan) const
{
    TRY(validate(plan));
    TRY(catalogue_.covers(plan));
    std::vector<Checked> findings = ask_all(host, in_folder(plan, folder_of("new")), false);
    Finding lock{Verdict::pass, "nobody works on them", "no other operation on the same things"};
    if (const auto holder = TRY(journal_->held_by_another(Operation{.plan = plan}))) {
        lock.verdict = Verdict::fail;
        lock.found = holder->what;
        lock.mend = holder->next;
    }
    findings.push_back({"locks", "no other operation works on these resources", lock});
    return findings;
}

Result<Fingerprint> Engine::fingerprint(host::Host& host, const std::vector<Question>& questions) const
{
    Fingerprint whole;
    for (const Question& question : questions) whole.merge(TRY(catalogue_.fingerprint(host, question)));
    return whole;
}

Result<Operation> Engine::keep(const Plan& plan, const Asker& asker, OneShot one_shot)
{
    return make(plan, asker, one_shot, nullptr);
}

Result<Operation> Engine::make(const Plan& plan, const Asker& asker, OneShot one_shot, const Part* part)
{
    const host::Moment now = TRY(host_.now());
    host::OneLook look(host_);
    const std::vector<Checked> findings = TRY(check(look, plan));
    if (any_failed(findings)) {
        const Error refusal = failed_checks(plan, findings);
        TRY(journal_->write_audit(audit_of(now, "plan", plan.procedure, asker, refusal.what)));
        return std::unexpected(refusal);
    }
    const Fingerprint before = TRY(fingerprint(look, plan.fingerprints));
    Record planned{.at = now.wall,
                   .event = Event::planned,
                   .detail = {{"title", plan.title},
                              {"who", asker.user},
                              {"origin", asker.origin},
                              {"why", asker.why},
                              {"one_shot", one_shot.wanted},
                              {"soak_ms", one_shot.soak.count()},
                              {"version", BELAY_VERSION},
                              {"before", before}}};
    if (part != nullptr) planned.detail["part"] = *part;
    const auto plan_of = [&](const Id& id) { return in_folder(plan, folder_of(id)); };
    return journal_->create(plan_of, planned, audit_of(now, "plan", "", asker, part ? "adopted" : "kept"));
}

Result<Operation> Engine::request(const Id& id, Verb verb, const Asker& asker)
{
    const SlotPointer found = TRY(slot(id));
    const std::lock_guard lock(found->mutex);
    Slot& slot = *found;
    TRY(refresh(slot));
    const host::Moment now = TRY(host_.now());
    // A timer that has run out has decided already, also when nobody came by to see it.
    const bool waits = slot.operation.state == State::activated || slot.operation.state == State::added;
    if (waits && TRY(obey_timer(slot, now))) publish(slot, now);
    const Result<void> answer = carry_out(slot, verb, asker, now);
    if (!answer) {
        slot.buffer.audit.reset();
        // The trail of refusals must not hide the refusal itself when it cannot be written.
        static_cast<void>(
            journal_->write_audit(audit_of(now, name_of(verb), id, asker, answer.error().what)).has_value());
        return std::unexpected(answer.error());
    }
    publish(slot, now);
    return slot.operation;
}

Result<void> Engine::carry_out(Slot& slot, Verb verb, const Asker& asker, const host::Moment& now)
{
    if (const auto refusal = slot.operation.refusal(verb)) return std::unexpected(*refusal);
    slot.buffer.audit = audit_of(now, name_of(verb), slot.operation.id, asker, "accepted");
    switch (verb) {
        case Verb::add:
            if (slot.operation.state == State::held) return move(slot, now, State::adding, asker.why, &asker);
            return begin_add(slot, asker, now);
        case Verb::activate:
            if (slot.operation.state == State::held) {
                if (timer_ran_out(slot, now))
                    TRY(take(slot, now, Event::timer, restarted(*slot.operation.timer, now)));
                return move(slot, now, State::activating, asker.why, &asker);
            }
            return begin_activate(slot, asker, now);
        case Verb::commit:
            return move(slot, now, State::committing, asker.why, &asker);
        case Verb::abort:
            if (slot.operation.state == State::planned) {
                TRY(take(slot, now, Event::verified, {{"differences", Json::array()}}));
                return move(slot, now, State::aborted, asker.why, &asker);
            }
            return move(slot, now, State::aborting, asker.why.empty() ? "asked to" : asker.why, &asker);
        case Verb::clear:
            return clear(slot, asker, now);
        case Verb::timer:
            return fail(ErrorKind::usage, "a change of the timer says which one");
    }
    return {};
}

Result<void> Engine::begin_add(Slot& slot, const Asker& asker, const host::Moment& now)
{
    const Plan& plan = slot.operation.plan;
    TRY(catalogue_.covers(plan));
    const auto refuse = [&](Error error) -> Result<void> {
        slot.buffer = {};
        return std::unexpected(std::move(error));
    };
    if (const auto holder = TRY(journal_->held_by_another(slot.operation))) return refuse(*holder);
    host::OneLook look(host_);
    const std::vector<Checked> findings = ask_all(look, plan, false);
    if (any_failed(findings)) return refuse(failed_checks(plan, findings));
    const std::vector<std::string> moved =
        differences_of(slot.operation.before, TRY(fingerprint(look, plan.fingerprints)));
    if (!moved.empty())
        return refuse(Error{.kind = ErrorKind::refused,
                            .what = fmt::format("the host is not as it was when operation {} was planned: {}",
                                                slot.operation.id, fmt::join(moved, "; ")),
                            .next = fmt::format("belay abort {}, and plan again", slot.operation.id)});
    TRY(take(slot, now, Event::checked, {{"findings", findings}}));
    if (slot.operation.part) TRY(take(slot, now, Event::timer, start_timer(plan.timer, now)));
    slot.buffer.takes_locks = true;
    return move(slot, now, State::adding, asker.why, &asker);
}

Result<void> Engine::begin_activate(Slot& slot, const Asker& asker, const host::Moment& now)
{
    const Plan& plan = slot.operation.plan;
    host::OneLook look(host_);
    const std::vector<Checked> findings = ask_all(look, plan, true);
    if (any_failed(findings)) {
        slot.buffer = {};
        return std::unexpected(failed_checks(plan, findings));
    }
    TRY(take(slot, now, Event::checked, {{"findings", findings}}));
    // That of a part runs since add, and its site has perhaps asked for more time than the plan has.
    if (!slot.operation.timer) TRY(take(slot, now, Event::timer, start_timer(plan.timer, now)));
    return move(slot, now, State::activating, asker.why, &asker);
}

Result<void> Engine::clear(Slot& slot, const Asker& asker, const host::Moment& now)
{
    std::vector<std::string> behind;
    for (size_t i = 0; i < slot.operation.steps.size(); ++i) {
        const StepState& state = slot.operation.steps[i];
        const Step& step = slot.operation.plan.steps[i];
        if (state.status != StepState::Status::intended && state.status != StepState::Status::done) continue;
        const Result<const Action*> action = catalogue_.action(step.action);
        const Result<std::string> remains = action
                                                ? (*action)->remains(host_, step.arguments, state.remembered)
                                                : std::unexpected(action.error());
        if (!remains)
            behind.push_back(fmt::format("{}: nobody knows, for {}", step.name, remains.error().what));
        else if (!remains->empty())
            behind.push_back(fmt::format("{}: {}", step.name, *remains));
    }
    const Result<Fingerprint> after = fingerprint(host_, slot.operation.plan.fingerprints);
    TRY(take(slot, now, Event::left, {{"behind", behind}}));
    if (after)
        TRY(take(slot, now, Event::verified,
                 {{"differences", differences_of(slot.operation.before, *after)}}));
    return move(slot, now, State::aborted, "cleared by hand", &asker);
}

Result<Operation> Engine::change_timer(const Id& id, TimerChange change, const Asker& asker)
{
    const SlotPointer found = TRY(slot(id));
    const std::lock_guard lock(found->mutex);
    TRY(refresh(*found));
    const host::Moment now = TRY(host_.now());
    if (const auto refusal = found->operation.refusal(Verb::timer)) return std::unexpected(*refusal);
    Timer timer = *found->operation.timer;
    if (!timer.stopped && left_of(timer, now) <= Milliseconds{0})
        return fail(ErrorKind::refused, fmt::format("the timer of operation {} has run out", id),
                    "belay show " + id);
    switch (change.what) {
        case TimerChange::What::stop:
            timer = stopped(timer, now);
            break;
        case TimerChange::What::restart:
            timer = restarted(timer, now);
            break;
        case TimerChange::What::extend:
            timer = extended(timer, change.by, now);
            break;
    }
    TRY(take(*found, now, Event::timer, timer));
    found->buffer.audit = audit_of(now, "timer", id, asker, "accepted");
    TRY(flush(*found));
    publish(*found, now);
    return found->operation;
}

Result<void> Engine::clock_was_set()
{
    const host::Moment now = TRY(host_.now());
    for (const Id& id : TRY(journal_->unfinished())) {
        const SlotPointer found = TRY(slot(id));
        const std::lock_guard lock(found->mutex);
        TRY(refresh(*found));
        TRY(keep_timer(*found, now));
    }
    return {};
}

/// Writes a running timer down anew where the boot or the wall clock is not the one that it was written for.
Result<void> Engine::keep_timer(Slot& slot, const host::Moment& now)
{
    const std::optional<Timer>& timer = slot.operation.timer;
    const State state = slot.operation.state == State::held ? slot.operation.held_in : slot.operation.state;
    const bool runs = state == State::adding || state == State::added || state == State::activating ||
                      state == State::activated;
    if (!timer || !runs || !needs_rebase(*timer, now)) return {};
    TRY(take(slot, now, Event::timer, rebased(*timer, now)));
    return flush(slot);
}

Result<Cleaned> Engine::clean(bool dry_run, const Asker& asker)
{
    const host::Moment now = TRY(host_.now());
    Cleaned cleaned;
    for (const Id& id : TRY(journal_->all())) {
        const Operation operation = TRY(journal_->load(id));
        if (is_ended(operation.state)) {
            TRY(clean_kept(operation, dry_run, cleaned));
            const Bytes freed = TRY(journal_->remembered(id, !dry_run));
            if (freed.count == 0) continue;
            cleaned.freed.count += freed.count;
            cleaned.removed.push_back(
                fmt::format("what abort would have needed of operation {} ({})", id, to_text(freed)));
        } else if (operation.state == State::planned && now.wall - operation.created > forgotten_plan_age) {
            Asker cleaner = asker;
            cleaner.why = "planned more than a day ago and never added";
            if (!dry_run) TRY(request(id, Verb::abort, cleaner));
            cleaned.removed.push_back(
                fmt::format("the plan of operation {}, made more than a day ago and never added", id));
        }
    }
    return cleaned;
}

}  // namespace belay::operation
