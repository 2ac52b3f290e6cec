#include "framework/supervision/life.h"

#include <array>
#include <charconv>
#include <cstring>

namespace belay::framework::supervision {

using belay::to_text;

namespace {

constexpr Milliseconds first_pause = std::chrono::milliseconds(5);
constexpr Milliseconds least_delay = std::chrono::milliseconds(1);
constexpr size_t most_told_bytes = 512;
constexpr std::array phase_names = {"stopped",    "waiting",   "starting", "started", "unavailable",
                                    "suspending", "suspended", "stopping", "failed"};
constexpr std::array want_names = {"stopped", "running", "suspended"};

std::string not_started(const Error& why)
{
    return fmt::format("it could not be started: {}", why.what);
}

bool is_asked(const Question& question)
{
    return question.kind != Question::Kind::running && question.kind != Question::Kind::notify;
}

}  // namespace

std::string_view name_of(Phase phase)
{
    return phase_names.at(static_cast<size_t>(phase));
}

std::string_view name_of(Want want)
{
    return want_names.at(static_cast<size_t>(want));
}

Result<Want> want_named(std::string_view name)
{
    for (const Want want : {Want::stopped, Want::running, Want::suspended}) {
        if (name_of(want) == name) return want;
    }
    return fail(ErrorKind::usage, fmt::format("an application cannot be wanted \"{}\"", name),
                "running, stopped or suspended");
}

std::string to_text(const Ended& ended)
{
    if (ended.code) return fmt::format("exit code {}", *ended.code);
    if (!ended.signal) return "an end that nobody saw";
    const char* const name = sigdescr_np(*ended.signal);
    return fmt::format("signal {}{}", *ended.signal, name == nullptr ? "" : fmt::format(" ({})", name));
}

Life::Life(ApplicationPointer application, Hands& hands) : application_(std::move(application)), hands_(hands)
{
}

void Life::move(Phase phase, Milliseconds now, std::string reason)
{
    standing_.phase = phase;
    standing_.since = now;
    standing_.reason = std::move(reason);
    hands_.moved();
}

void Life::order(Want want, Milliseconds now)
{
    const bool had_it = standing_.want == want;
    standing_.want = want;
    switch (standing_.phase) {
        case Phase::stopped:
        case Phase::failed:
            if (want == Want::running) {
                failures_.clear();
                in_a_row_ = 0;
                standing_.restarts = 0;
                return begin(now);
            }
            if (standing_.phase == Phase::failed) move(Phase::stopped, now);
            return;
        case Phase::waiting:
            if (want == Want::running && awaiting_ == Awaiting::delay) return begin(now);
            if (want == Want::running) return;
            hands_.await({});
            awaiting_ = Awaiting::nothing;
            deadline_.reset();
            return move(Phase::stopped, now);
        case Phase::starting:
        case Phase::started:
        case Phase::unavailable:
            if (want == Want::stopped) return begin_to_end(now);
            if (want == Want::suspended && standing_.phase != Phase::starting && !is_forced_) {
                tell(Word::drain);
                deadline_.reset();
                return move(Phase::suspending, now);
            }
            if (!had_it) hands_.moved();
            return;
        case Phase::suspending:
        case Phase::suspended:
            if (want == Want::stopped) return stop(now);
            if (want == Want::running) {
                tell(Word::serve);
                deadline_.reset();
                move(Phase::started, now);
            }
            return;
        case Phase::stopping:
            // When it has ended it is begun anew, where that is what is wanted then.
            if (!had_it) hands_.moved();
            return;
    }
}

void Life::restart(Milliseconds now)
{
    if (!has_process()) return order(Want::running, now);
    standing_.want = Want::running;
    standing_.restarts = 0;
    failures_.clear();
    in_a_row_ = 0;
    if (standing_.phase != Phase::stopping) begin_to_end(now);
}

void Life::describe(ApplicationPointer application, Milliseconds now)
{
    application_ = std::move(application);
    if (standing_.phase == Phase::waiting && awaiting_ == Awaiting::gates) begin(now);
}

void Life::tell(Word word)
{
    if (running_->orders.kind != Orders::Kind::none) hands_.tell(*running_, word);
}

void Life::tell_role()
{
    standing_.said = Role::none;
    if (standing_.role == Role::primary) serve();
    if (standing_.role != Role::none) tell(standing_.role == Role::primary ? Word::primary : Word::backup);
}

void Life::play(Role role)
{
    if (standing_.role == role) return;
    standing_.role = role;
    if (has_process() && standing_.phase != Phase::starting) tell_role();
    hands_.moved();
}

void Life::drain()
{
    if (!has_process() || standing_.phase == Phase::starting) return;
    drains_ = true;
    standing_.is_drained = false;
    tell(Word::drain);
    hands_.moved();
}

void Life::serve()
{
    if (!std::exchange(drains_, false)) return;
    standing_.is_drained = false;
    if (has_process()) tell(Word::serve);
    hands_.moved();
}

void Life::replace(Milliseconds now)
{
    if (!has_process()) return;
    was_asked_to_end_ = true;
    if (is_forced_) return;
    end_by_force("", now);
    move(Phase::stopping, now, "is ended, and begun anew");
}

void Life::end_now(std::string reason, Milliseconds now)
{
    if (has_process() && !is_forced_) end_by_force(std::move(reason), now);
}

/// Its gates first, then its process.
void Life::begin(Milliseconds now)
{
    awaiting_ = Awaiting::nothing;
    deadline_.reset();
    if (application_->gates.empty()) return launch(now);
    awaiting_ = Awaiting::gates;
    std::string gates;
    for (const Gate& gate : application_->gates) {
        gates += fmt::format("{}{}", gates.empty() ? "" : ", ", to_text(gate));
        if (gate.timeout && (!deadline_ || now + *gate.timeout < *deadline_)) deadline_ = now + *gate.timeout;
    }
    move(Phase::waiting, now, fmt::format("waits for {}", gates));
    hands_.await(application_->gates);
}

void Life::gates_open(Milliseconds now)
{
    if (standing_.phase != Phase::waiting || awaiting_ != Awaiting::gates) return;
    launch(now);
}

void Life::launch(Milliseconds now)
{
    awaiting_ = Awaiting::nothing;
    deadline_.reset();
    heartbeat_.reset();
    ready_at_.reset();
    bad_answers_ = 0;
    was_asked_to_end_ = is_forced_ = drains_ = standing_.is_drained = false;
    forced_for_.clear();
    standing_.told.clear();
    standing_.says_roles = false;
    standing_.said = Role::none;
    const Result<Begun> begun = hands_.start(*application_);
    if (!begun) return failed_once(not_started(begun.error()), now);
    running_ = application_;
    is_launched_ = begun == Begun::runs;
    if (is_launched_ && running_->readiness.kind == Question::Kind::running) return ready(now);
    deadline_ = now + running_->start_timeout;
    pause_ = first_pause;
    move(Phase::starting, now);
    if (is_launched_) ask_whether_ready(now);
}

void Life::ask_whether_ready(Milliseconds now)
{
    if (is_asked(running_->readiness)) hands_.ask(Topic::readiness, running_->readiness, now);
}

void Life::launched(Milliseconds now)
{
    is_launched_ = true;
    if (!has_process() || standing_.phase != Phase::starting || is_forced_) return;
    if (running_->readiness.kind == Question::Kind::running) return ready(now);
    ask_whether_ready(now);
}

void Life::not_launched(const Error& why)
{
    if (has_process()) forced_for_ = not_started(why);
}

void Life::ready(Milliseconds now)
{
    deadline_.reset();
    ready_at_ = now;
    if (running_->heartbeat) heartbeat_ = now + *running_->heartbeat;
    hands_.ask_no_more();
    tell_role();
    move(Phase::started, now);
    if (is_asked(running_->health))
        hands_.ask(Topic::health, running_->health, now + running_->health.interval);
}

void Life::answered(Topic topic, const Result<void>& answer, Milliseconds now)
{
    if (!has_process() || was_asked_to_end_ || is_forced_) return;
    if (topic == Topic::readiness) {
        if (standing_.phase != Phase::starting) return;
        if (answer) return ready(now);
        pause_ = std::min(pause_ * 2, running_->readiness.interval);
        standing_.reason = fmt::format("is not ready: {}", answer.error().what);
        return hands_.ask(topic, running_->readiness, now + pause_);
    }
    hands_.ask(topic, running_->health, now + running_->health.interval);
    // What takes nothing new need not answer.
    const bool drains =
        drains_ || standing_.phase == Phase::suspending || standing_.phase == Phase::suspended;
    if (answer || drains) {
        bad_answers_ = 0;
        return well_again(now);
    }
    if (++bad_answers_ == running_->health.failures)
        hung(fmt::format("is not well: {}", answer.error().what), now);
}

void Life::well_again(Milliseconds now)
{
    if (standing_.phase == Phase::unavailable && !is_forced_) move(Phase::started, now);
}

void Life::hung(const std::string& reason, Milliseconds now)
{
    if (running_->restart_when_hung) return end_by_force(reason, now);
    if (standing_.phase == Phase::started) move(Phase::unavailable, now, reason);
}

void Life::end_by_force(std::string reason, Milliseconds now)
{
    is_forced_ = true;
    forced_for_ = std::move(reason);
    heartbeat_.reset();
    hands_.ask_no_more();
    hands_.kill();
    deadline_ = now + running_->shutdown_timeout;
    move(standing_.phase == Phase::starting ? Phase::starting : Phase::unavailable, now, forced_for_);
}

void Life::begin_to_end(Milliseconds now)
{
    const bool drains = running_->drain_timeout.count() > 0 && running_->orders.kind != Orders::Kind::none &&
                        !is_forced_ && standing_.phase != Phase::starting;
    // One that has handed over in good order has had its time.
    if (!drains || drains_) return stop(now);
    tell(Word::drain);
    deadline_ = now + running_->drain_timeout;
    move(Phase::suspending, now);
}

void Life::stop(Milliseconds now)
{
    was_asked_to_end_ = true;
    heartbeat_.reset();
    hands_.ask_no_more();
    deadline_ = now + running_->shutdown_timeout;
    move(Phase::stopping, now);
    if (is_forced_) return;
    if (running_->stop_command.empty())
        hands_.signal(running_->stop_signal);
    else
        hands_.run_stop_command(*running_);
}

void Life::exited(const Ended& ended, Milliseconds now)
{
    if (!has_process()) return;
    if (is_launched_) standing_.last = ended;
    deadline_.reset();
    heartbeat_.reset();
    hands_.ask_no_more();
    if (hands_.clear()) return finished(now);
    is_forced_ = true;
    deadline_ = now + running_->shutdown_timeout;
    standing_.reason = "its first process has ended, others of it not yet";
    hands_.moved();
}

void Life::cleared(Milliseconds now)
{
    if (has_process()) finished(now);
}

void Life::finished(Milliseconds now)
{
    running_.reset();
    deadline_.reset();
    is_forced_ = drains_ = standing_.is_drained = false;
    const bool was_asked = std::exchange(was_asked_to_end_, false);
    if (standing_.want == Want::stopped) return move(Phase::stopped, now);
    if (was_asked) return begin(now);
    const bool was_ready = ready_at_.has_value();
    const Ended ended = standing_.last.value_or(Ended{});
    if (!forced_for_.empty()) return failed_once(forced_for_, now);
    if (!was_ready) return failed_once(fmt::format("ended before it was ready, by {}", to_text(ended)), now);
    const std::string reason = fmt::format("ended unasked, by {}", to_text(ended));
    if (!ended.is_clean()) return failed_once(reason, now);
    if (application_->autorestart == Autorestart::always) return failed_once(reason, now);
    move(Phase::stopped, now, "has ended by itself");
}

void Life::failed_once(const std::string& reason, Milliseconds now)
{
    const Nonstop& nonstop = application_->nonstop;
    failures_.push_back(now);
    while (failures_.front() + nonstop.within < now) failures_.pop_front();
    if (application_->autorestart == Autorestart::never) return move(Phase::failed, now, reason);
    if (failures_.size() <= nonstop.failures) return come_again(reason, now);
    const std::string often = failures_.size() == 1 ? ""
                                                    : fmt::format(" ({} times within {})", failures_.size(),
                                                                  to_text(nonstop.within));
    move(Phase::failed, now, reason + often);
}

void Life::come_again(const std::string& reason, Milliseconds now)
{
    ++standing_.restarts;
    awaiting_ = Awaiting::delay;
    deadline_ = now + next_delay(now);
    move(Phase::waiting, now, reason);
}

Milliseconds Life::next_delay(Milliseconds now)
{
    // A good run is one that outlasts the time in which failures are counted.
    if (ready_at_ && now - *ready_at_ >= application_->nonstop.within) in_a_row_ = 0;
    const uint32_t before = in_a_row_++;
    if (before == 0) return Milliseconds{0};
    const Milliseconds most = std::max(application_->restart_delay_most, least_delay);
    Milliseconds delay = std::max(application_->restart_delay, least_delay);
    for (uint32_t i = 1; i < before && delay < most; ++i) delay *= 2;
    return std::min(delay, most);
}

std::optional<Milliseconds> Life::next_deadline() const
{
    if (deadline_ && heartbeat_) return std::min(*deadline_, *heartbeat_);
    return deadline_ ? deadline_ : heartbeat_;
}

void Life::time(Milliseconds now)
{
    if (heartbeat_ && *heartbeat_ <= now) {
        heartbeat_.reset();
        hung(fmt::format("did not say for {} that it lives", to_text(*running_->heartbeat)), now);
    }
    if (!deadline_ || *deadline_ > now) return;
    deadline_.reset();
    if (is_forced_) {
        hands_.kill();
        deadline_ = now + running_->shutdown_timeout;
        return move(standing_.phase, now, "was ended by force, and is still there: the kernel holds it");
    }
    switch (standing_.phase) {
        case Phase::waiting: {
            if (awaiting_ == Awaiting::delay) return begin(now);
            hands_.await({});
            awaiting_ = Awaiting::nothing;
            const std::string reason = "what it has to wait for did not come in time: " + standing_.reason;
            return failed_once(reason, now);
        }
        case Phase::starting:
            return end_by_force(fmt::format("was not ready within {}", to_text(running_->start_timeout)),
                                now);
        case Phase::suspending:
            return stop(now);
        case Phase::stopping:
            is_forced_ = true;
            hands_.kill();
            deadline_ = now + running_->shutdown_timeout;
            return move(Phase::stopping, now,
                        fmt::format("did not end within {}, and is ended by force",
                                    to_text(running_->shutdown_timeout)));
        case Phase::stopped:
        case Phase::started:
        case Phase::unavailable:
        case Phase::suspended:
        case Phase::failed:
            return;
    }
}

void Life::notified(std::string_view text, Milliseconds now)
{
    if (!has_process()) return;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        const size_t equals = line.find('=');
        if (equals != std::string_view::npos)
            notified_of(line.substr(0, equals), line.substr(equals + 1), now);
    }
}

void Life::notified_of(std::string_view name, std::string_view value, Milliseconds now)
{
    if (name == "READY" && value == "1") {
        const bool awaited = running_->readiness.kind == Question::Kind::notify && !is_forced_;
        if (awaited && standing_.phase == Phase::starting) ready(now);
        return;
    }
    if (name == "WATCHDOG" && value == "1") return beat(now);
    if (name == "WATCHDOG" && value == "trigger") {
        if (!was_asked_to_end_ && !is_forced_) hung("said itself that it is not well", now);
        return;
    }
    if (name == "STATUS") {
        standing_.told = value.substr(0, most_told_bytes);
        return hands_.moved();
    }
    if (name == "EXTEND_TIMEOUT_USEC") return extend(value, now);
    if (name == "X_ROLE") {
        // Where a command tells it, the answer is that this has ended.
        standing_.says_roles = running_->orders.kind != Orders::Kind::command;
        standing_.said = value == name_of(Role::primary) ? Role::primary : Role::backup;
        return hands_.moved();
    }
    if (name != "X_DRAINED" || value != "1") return;
    if (standing_.phase == Phase::suspending) {
        if (standing_.want != Want::suspended) return stop(now);
        deadline_.reset();
        move(Phase::suspended, now);
    } else if (drains_ && !standing_.is_drained) {
        standing_.is_drained = true;
        hands_.moved();
    }
}

void Life::beat(Milliseconds now)
{
    if (!running_->heartbeat || was_asked_to_end_ || is_forced_ || !ready_at_) return;
    heartbeat_ = now + *running_->heartbeat;
    well_again(now);
}

/// It says that it needs longer to start or to end.
void Life::extend(std::string_view microseconds, Milliseconds now)
{
    uint64_t count = 0;
    const auto read = std::from_chars(microseconds.begin(), microseconds.end(), count);
    constexpr uint64_t longest = 24ULL * 3600 * 1'000'000;
    const bool is_on_the_way = standing_.phase == Phase::starting || standing_.phase == Phase::stopping;
    if (read.ec != std::errc{} || count > longest || !deadline_ || !is_on_the_way || is_forced_) return;
    deadline_ = std::max(*deadline_, now + Milliseconds(count / 1000));
}

Past Life::past() const
{
    return {.failures = {failures_.begin(), failures_.end()},
            .in_a_row = in_a_row_,
            .restarts = standing_.restarts,
            .drains = drains_,
            .reason = standing_.reason,
            .ready_at = ready_at_,
            .last = standing_.last};
}

void Life::adopt(ApplicationPointer running, Phase phase, Want want, const Past& past, Milliseconds now,
                 Begun begun)
{
    is_launched_ = begun == Begun::runs;
    running_ = std::move(running);
    standing_.want = want;
    standing_.restarts = past.restarts;
    standing_.last = past.last;
    failures_.assign(past.failures.begin(), past.failures.end());
    in_a_row_ = past.in_a_row;
    drains_ = past.drains && running_ != nullptr;
    if (!running_) {
        const bool comes_back = phase == Phase::waiting && want == Want::running;
        return comes_back ? begin(now)
                          : move(phase == Phase::failed ? phase : Phase::stopped, now, past.reason);
    }
    if (phase != Phase::starting) ready_at_ = past.ready_at.value_or(now);
    switch (phase) {
        case Phase::starting:
            deadline_ = now + running_->start_timeout;
            pause_ = first_pause;
            move(Phase::starting, now);
            if (is_launched_) launched(now);
            return;
        case Phase::suspending:
        case Phase::suspended:
            if (phase == Phase::suspending && want == Want::stopped)
                deadline_ = now + running_->drain_timeout;
            return move(phase, now);
        case Phase::stopping:
            return stop(now);
        case Phase::stopped:
        case Phase::waiting:
        case Phase::started:
        case Phase::unavailable:
        case Phase::failed:
            ready(now);
            ready_at_ = past.ready_at.value_or(now);
            return;
    }
}

}  // namespace belay::framework::supervision
