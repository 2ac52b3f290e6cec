#include "iosxe/device.h"

#include "iosxe/failures.h"
#include "iosxe/texts.h"
#include "iosxe/timetable.h"

#include <algorithm>

namespace belay::lab::iosxe {

using namespace std::chrono_literals;

void Scene::say(std::string text)
{
    if (job().line != 0) device_.say(Saying::output, now_, job().line, std::move(text));
}

void Scene::log(std::string text)
{
    device_.say(Saying::log, now_, 0, std::move(text));
}

void Scene::log_glued(std::string text)
{
    device_.say(Saying::log, now_, 0, std::move(text), Event::Form::glued);
}

void Scene::log_bare(std::string text)
{
    device_.say(Saying::log, now_, 0, std::move(text), Event::Form::bare);
}

void Scene::prompt()
{
    if (job().line != 0) device_.say(Saying::done, now_, job().line, {});
    job().line = 0;
    job().prompted = true;
}

bool Scene::prompted()
{
    return job().prompted;
}

void Scene::ask(std::string_view question)
{
    job().asking = true;
    job().asked = now_;
    job().reply.clear();
    device_.say(Saying::question, now_, job().line, std::string(question));
}

void Scene::end()
{
    prompt();
    device_.state_.job.reset();
}

void Scene::reboot(Member& member, const Boot& boot)
{
    device_.reboot(member, boot);
}

void Scene::switch_over(const Boot& boot_of_old_active, std::string reason)
{
    device_.take_over(boot_of_old_active, std::move(reason), now_);
}

void Device::say(Saying saying, Time at, int line, std::string text, Event::Form form)
{
    events_.push_back({.saying = saying, .at = at, .line = line, .text = std::move(text), .form = form});
}

void Device::reboot(Member& member, const Boot& boot)
{
    if (member.role == Role::active) state_.copying.reset();
    member.role = Role::absent;
    member.redundancy = Redundancy::absent;
    member.boot = boot;
}

void Device::take_over(const Boot& boot_of_old_active, std::string reason, Time now)
{
    Member* active = state_.active();
    Member* standby = state_.standby();
    if (active == nullptr) return;
    state_.switchover_reason = std::move(reason);
    if (standby->redundancy != Redundancy::hot) {
        // Nobody takes over: the pair is away until its only member is up again.
        reboot(*active, boot_of_active(now));
        state_.deaf_until = now + state_.member(active->number).boot->joins;
    } else {
        ++state_.switchovers;
        say(Saying::log, now, 0, text::became_active(state_.switchovers));
        reboot(*active, boot_of_old_active);
        standby->role = Role::active;
        standby->redundancy = Redundancy::active;
        standby->role_since = now;
        state_.deaf_until = now + 5s;
    }
    say(Saying::lost, now, 0, {});
    if (state_.job) leave(state_.job->line);
}

std::optional<Time> Device::job_due() const
{
    if (!state_.job) return std::nullopt;
    const Job& job = *state_.job;
    const Moment moment = timetable(job).at(static_cast<size_t>(job.next));
    if (!moment.awaited) return job.from + moment.after;
    return moment.awaited(state_) ? now_ : job.from + moment.patience;
}

namespace {

/// What comes next of a member's boot; nothing: it waits for a failure to be taken away.
std::optional<Time> boot_due(const State& state, const Member& member)
{
    if (!member.boot) return std::nullopt;
    const Boot& boot = *member.boot;
    switch (boot.told) {
        case 0:
            return boot.began + boot.joins;
        case 1:
            return boot.began + (boot.mismatches.count() != 0 ? boot.mismatches : boot.joins);
        case 2:
            if (state.fails(failure::never_hot) || state.fails(failure::not_hot)) return std::nullopt;
            return boot.began + boot.synchronized;
        default:
            return boot.began + boot.hot;
    }
}

}  // namespace

std::optional<Time> Device::next() const
{
    std::optional<Time> first = job_due();
    const auto earlier = [&](const std::optional<Time>& other) {
        if (other && (!first || *other < *first)) first = other;
    };
    earlier(copy_due());
    for (const Member& member : state_.members) earlier(boot_due(state_, member));
    if (state_.abort_timer && !state_.abort_timer->stopped) earlier(state_.abort_timer->ends);
    earlier(state_.deaf_until);
    if (first && *first < now_) first = now_;
    return first;
}

void Device::advance(Time now)
{
    for (std::optional<Time> due = next(); due && *due <= now; due = next()) {
        now_ = std::max(now_, *due);
        one_moment(now_);
    }
    now_ = std::max(now_, now);
}

void Device::one_moment(Time now)
{
    if (state_.deaf_until && *state_.deaf_until <= now) state_.deaf_until.reset();
    for (Member& member : state_.members) {
        const std::optional<Time> due = boot_due(state_, member);
        if (due && *due <= now) return boot_moment(member, now);
    }
    if (state_.abort_timer && !state_.abort_timer->stopped && state_.abort_timer->ends <= now)
        return timer_moment(now);
    if (const std::optional<Time> due = copy_due(); due && *due <= now) return copy_moment(now);
    const std::optional<Time> due = job_due();
    if (due && *due <= now) job_moment(now);
}

void Device::boot_moment(Member& member, Time now)
{
    Boot& boot = *member.boot;
    const Member* active = state_.active();
    if (boot.leads || active == nullptr) {
        if (!boot.leads) {
            // There is nobody to join: it waits for the one that leads.
            boot.began = now;
            boot.told = 0;
            return;
        }
        member.role = Role::active;
        member.redundancy = Redundancy::active;
        member.running = member.provisioned;
        member.up_since = boot.began;
        member.role_since = now;
        member.boot.reset();
        return;
    }
    switch (boot.told++) {
        case 0:
            member.role = Role::standby;
            member.redundancy = Redundancy::cold;
            member.running = member.provisioned;
            member.up_since = boot.began;
            member.role_since = now;
            return;
        case 1:
            if (boot.mismatches.count() != 0 && member.running != active->running)
                say(Saying::log, now, 0, std::string(text::versions_differ));
            return;
        case 2:
            say(Saying::log, now, 0, std::string(text::synchronized));
            return;
        default:
            member.redundancy = Redundancy::hot;
            member.boot.reset();
            say(Saying::log, now, 0, std::string(text::terminal_state));
    }
}

void Device::job_moment(Time now)
{
    Job& job = *state_.job;
    const Moment moment = timetable(job).at(static_cast<size_t>(job.next));
    Scene scene(*this, now);
    ++job.next;
    if (!moment.awaited) return moment.happens(scene);
    const bool reached = moment.awaited(state_);
    // While somebody thought about an answer nothing else went on.
    job.from = moment.answers ? job.from + (job.asking ? now - job.asked : Milliseconds(0)) : now;
    job.asking = false;
    reached ? moment.happens(scene) : moment.gives_up(scene);
}

void Device::timer_moment(Time now)
{
    state_.abort_timer.reset();
    const Member* active = state_.active();
    if (active == nullptr) {
        // Nobody is there to go back; the one that comes up first does.
        state_.abort_timer = AbortTimer{.ends = now + 60s};
        return;
    }
    if (state_.job) {
        Scene scene(*this, now);
        scene.say(text::failed(scene.job().task, 1, now, state_.zone));
        scene.end();
    }
    say(Saying::log, now, 0, text::timer_expired(state_, active->number));
    begin({.task = Task::abort, .by_itself = true}, now);
}

namespace {

/// What ran before the version that is not committed.
std::string old_version(const Member& member)
{
    for (const Package& package : member.packages)
        if (package.state == "D") return package.version;
    for (const Package& package : member.packages)
        if (package.state == "C") return package.version;
    return member.running;
}

}  // namespace

void Device::begin(Job job, Time now)
{
    advance(now);
    const Member* active = state_.active();
    if (active == nullptr) return;
    if (state_.job) {
        say(Saying::output, now_, job.line, text::start(job.task, now_, state_.zone));
        say(Saying::output, now_, job.line,
            fmt::format("ERROR: {}: Another install operation ({}) is in progress\n", text::name_of(job.task),
                        text::name_of(state_.job->task)));
        say(Saying::output, now_, job.line, text::failed(job.task, 1, now_, state_.zone));
        say(Saying::done, now_, job.line, {});
        return;
    }
    job.began = job.from = now_;
    job.next = 0;
    job.here = active->number;
    job.there = 3 - active->number;
    job.leaving = active->running;
    // Either member may know it: the one that was left behind, or both.
    if (job.task == Task::abort) {
        const std::string other = old_version(state_.member(job.there));
        job.version = old_version(*active) != active->running ? old_version(*active) : other;
    }
    state_.job = std::move(job);
    advance(now_);
}

void Device::stop_abort_timer(int line, Time now)
{
    advance(now);
    constexpr std::string_view name = "install_auto_abort_timer_stop";
    const std::string stamp = text::stamp(now_, state_.zone);
    say(Saying::output, now_, line, fmt::format("{}: START {}\n", name, stamp));
    if (state_.abort_timer && !state_.abort_timer->stopped) {
        state_.abort_timer->stopped = true;
        say(Saying::output, now_, line, fmt::format("SUCCESS: {} {}\n", name, stamp));
    } else {
        say(Saying::output, now_, line,
            fmt::format("ERROR: {}: Auto abort timer is not running\nFAILED: {} exit(1) {}\n", name, name,
                        stamp));
    }
    say(Saying::done, now_, line, {});
}

void Device::log(std::string text, Time now)
{
    advance(now);
    say(Saying::log, now_, 0, std::move(text));
}

void Device::leave(int line)
{
    if (state_.copying && line != 0 && state_.copying->line == line) {
        if (state_.fails(failure::copy_goes_on))
            state_.copying->line = 0;
        else
            state_.copying.reset();
    }
    if (!state_.job || state_.job->line != line) return;
    state_.job->line = 0;
    if (state_.job->asking) state_.job.reset();
}

void Device::reply(int line, std::string text, Time now)
{
    advance(now);
    if (!state_.job || state_.job->line != line || !state_.job->asking) return;
    state_.job->reply = std::move(text);
    advance(now_);
}

Result<void> Device::reload(std::optional<int> member, Time now)
{
    advance(now);
    Member* active = state_.active();
    if (active == nullptr) return fail(ErrorKind::refused, "the pair is reloading already");
    state_.reload_reason = "Reload Command";
    if (member && *member != active->number) {
        if (*member < 1 || *member > 2) return fail(ErrorKind::not_found, "the pair has the members 1 and 2");
        Member& standby = *state_.standby();
        ++state_.standby_failures;
        reboot(standby, boot_of_standby(now_, standby.provisioned != active->running));
        return {};
    }
    if (member && state_.standby_hot()) {
        take_over(boot_after_switchover(now_), "active unit removed", now_);
        return {};
    }
    if (state_.job) Scene(*this, now_).end();
    Member& standby = *state_.standby();
    if (!member && standby.role == Role::standby) reboot(standby, boot_beside(now_));
    reboot(*active, boot_of_active(now_));
    state_.deaf_until = now_ + active->boot->joins;
    state_.up_since = now_;
    say(Saying::lost, now_, 0, {});
    return {};
}

Result<void> Device::switch_over(Time now)
{
    advance(now);
    if (!state_.standby_hot()) return fail(ErrorKind::refused, "the standby is not hot");
    take_over(boot_after_switchover(now_), "user forced", now_);
    return {};
}

void Device::configure_service_internal(bool on)
{
    state_.service_internal = on;
    state_.unsaved = true;
}

void Device::configure_manual_boot(bool on)
{
    state_.unsaved = true;
    for (Member& member : state_.members) member.manual_boot = on;
}

Result<void> Device::put_file(const std::string& name, const File& file)
{
    Member* active = state_.active();
    if (active == nullptr) return fail(ErrorKind::unavailable, "the pair is reloading");
    uint64_t used = active->flash_other;
    for (const auto& [one, about] : active->files)
        if (one != name) used += about.size;
    if (used + file.size > active->flash_total)
        return fail(ErrorKind::no_space, fmt::format("flash:{} does not fit", name));
    active->files[name] = file;
    return {};
}

Result<void> Device::remove_file(const std::string& name, bool of_standby)
{
    Member* member = of_standby ? state_.standby() : state_.active();
    if (member == nullptr || member->files.erase(name) == 0)
        return fail(ErrorKind::not_found, fmt::format("there is no {}", name));
    return {};
}

Result<void> Device::injure(std::string_view name, int member, Time now)
{
    advance(now);
    if (std::ranges::none_of(failures(), [&](const Failure& one) { return one.name == name; }))
        return fail(ErrorKind::usage, fmt::format("\"{}\" is no failure", name), "belay-lab-iosxe --help");
    Member* active = state_.active();
    Member* standby = state_.standby();
    if (active == nullptr) return fail(ErrorKind::unavailable, "the pair is reloading");
    state_.failures[std::string(name)] = member;
    Member& struck = member == 0 ? *standby : state_.member(std::clamp(member, 1, 2));
    if (name == failure::not_hot && standby->redundancy == Redundancy::hot) {
        standby->redundancy = Redundancy::cold;
        // What is left of its boot, once the failure is taken away.
        standby->boot = boot_of_standby(now_ - standby_boot_length(), false);
        standby->boot->told = 2;
    } else if (name == failure::bundle_boot) {
        for (Member& one : state_.members) one.bundle = one.bundle || member == 0 || member == one.number;
    } else if (name == failure::no_space) {
        standby->flash_other = standby->flash_total - 96'468'992;
    } else if (name == failure::no_space_here) {
        active->flash_other = active->flash_total - 96'468'992;
    } else if (name == failure::autoboot_off) {
        struck.manual_boot = true;
    } else if (name == failure::timer_soon && state_.abort_timer) {
        state_.abort_timer->ends = std::min(state_.abort_timer->ends, now_ + 10s);
    } else if (name == failure::uncommitted || name == failure::added) {
        const bool ran = name == failure::uncommitted;
        for (Member& one : state_.members) {
            one.issu =
                Issu{.one_shot = !ran,
                     .state = ran ? "Activated state" : "Added state",
                     .last = ran ? "Switchover"
                                 : fmt::format("Activate location standby Chassis {}", standby->number),
                     .done = {{fmt::format("Activate location standby Chassis {}", standby->number),
                               now_ - 20min}},
                     .transition = {"Added"}};
            if (!ran) continue;
            one.issu->transition = {"Added", "Standby activated", "Active switched-over"};
            one.packages = {{one.running, "U"}, {"16.6.5.0.2017", "D"}};
        }
    }
    return {};
}

Result<void> Device::mend(std::string_view name, Time now)
{
    advance(now);
    if (state_.failures.erase(std::string(name)) == 0)
        return fail(ErrorKind::not_found, fmt::format("the pair does not have the failure \"{}\"", name));
    for (Member& member : state_.members) {
        if (name == failure::bundle_boot) member.bundle = false;
        if (name == failure::autoboot_off) member.manual_boot = false;
        if (name == failure::no_space || name == failure::no_space_here)
            member.flash_other = std::min<uint64_t>(member.flash_other, 2'787'115'008);
    }
    advance(now_);
    return {};
}

}  // namespace belay::lab::iosxe
