#include "iosxe/timetable.h"

#include "iosxe/tasks.h"

namespace belay::lab::iosxe {
namespace {

using namespace std::chrono_literals;

/// How long a standby takes from its reload to the terminal redundancy state.
constexpr Milliseconds standby_boot = 390s;
/// The same of a member that was active before the switch-over.
constexpr Milliseconds after_switchover = 367'742ms;

}  // namespace

std::vector<Moment> timetable(const Job& job)
{
    switch (job.task) {
        case Task::add:
            return tasks::moments_of_add();
        case Task::activate:
            return tasks::moments_of_activate();
        case Task::commit:
            return tasks::moments_of_commit();
        case Task::abort:
            return tasks::moments_of_abort();
        case Task::one_step:
            return tasks::moments_of_one_step();
        case Task::clear:
            return tasks::moments_of_clear();
        case Task::remove_inactive:
            return tasks::moments_of_remove_inactive();
    }
    return {};
}

Boot boot_of_standby(Time now, bool versions_differ)
{
    return {.began = now,
            .joins = 300s,
            .mismatches = versions_differ ? Milliseconds(345'249) : Milliseconds(0),
            .synchronized = standby_boot - 1002ms,
            .hot = standby_boot};
}

Boot boot_after_switchover(Time now)
{
    return {.began = now,
            .joins = 300s,
            .mismatches = {},
            .synchronized = after_switchover - 1002ms,
            .hot = after_switchover};
}

Boot boot_of_active(Time now)
{
    return {.began = now,
            .joins = 240s,
            .mismatches = {},
            .synchronized = {},
            .hot = {},
            .told = 0,
            .leads = true};
}

Milliseconds standby_boot_length()
{
    return standby_boot;
}

Boot boot_beside(Time now)
{
    return {.began = now, .joins = 330s, .mismatches = {}, .synchronized = 419s, .hot = 420s};
}

}  // namespace belay::lab::iosxe
