#include "iosxe/calendar.h"
#include "iosxe/texts.h"

#include <charconv>

namespace belay::lab::iosxe::text {
namespace {

std::string numbers(std::span<const int> members)
{
    return fmt::format("[{}]", fmt::join(members, " "));
}

/// Which of its processes speaks.
std::string_view manager(const State& state, int member)
{
    return is_17(state.member(member).running) ? "install_mgr" : "install_engine";
}

constexpr std::string_view double_rule = "===================================================\n";

}  // namespace

std::string stamp(Time now, std::string_view zone)
{
    const Calendar at = calendar(now);
    return fmt::format("{} {} {} {} {} {}", at.weekday, at.month_name, at.day, at.time, zone, at.year);
}

std::string log_stamp(Time now, std::string_view zone)
{
    const Calendar at = calendar(now);
    return fmt::format("*{} {:>2} {}.{:03}{}{}: ", at.month_name, at.day, at.time, at.thousandths,
                       zone == "UTC" ? "" : " ", zone == "UTC" ? "" : zone);
}

std::string bare_stamp(Time now)
{
    const Calendar at = calendar(now);
    return fmt::format("{} {:>2} {}.{:03}: ", at.month_name, at.day, at.time, at.thousandths);
}

std::string issu_stamp(Time now)
{
    const Calendar at = calendar(now);
    return fmt::format("{}-{:02}-{:02}:{}", at.year, at.month, at.day, at.time);
}

std::string clock(const State& state, Time now)
{
    const Calendar at = calendar(now);
    return fmt::format("*{}.{:03} {} {} {} {} {}\n", at.time, at.thousandths, state.zone, at.weekday,
                       at.month_name, at.day, at.year);
}

std::string_view name_of(Task task)
{
    switch (task) {
        case Task::add:
            return "install_add";
        case Task::activate:
            return "install_activate";
        case Task::commit:
            return "install_commit";
        case Task::abort:
            return "install_abort";
        case Task::one_step:
            return "install_add_activate_commit";
        case Task::clear:
            return "clear_install_state";
        case Task::remove_inactive:
            return "install_remove";
    }
    return "install";
}

std::string_view unit(Kind kind)
{
    return kind == Kind::stackwise_virtual ? "switch" : "chassis";
}

std::string_view capital_unit(Kind kind)
{
    return kind == Kind::stackwise_virtual ? "Switch" : "Chassis";
}

std::string engine(const State& state, int member)
{
    if (state.kind == Kind::stackwise_virtual) return fmt::format("Switch {} R0/0", member);
    return fmt::format("Chassis 1 R{}/0", member - 1);
}

Version version_of(std::string_view full)
{
    Version version = {.full = std::string(full), .running = {}, .padded = {}};
    size_t begin = 0;
    for (int field = 0; field < 3 && begin <= full.size(); ++field) {
        const std::string_view part = full.substr(begin, full.find('.', begin) - begin);
        int number = 0;
        const auto [end, problem] = std::from_chars(part.data(), part.data() + part.size(), number);
        const std::string_view letter(end, static_cast<size_t>(part.data() + part.size() - end));
        if (field == 0) version.major = number;
        version.running += fmt::format("{}{}{}", field == 0 ? "" : ".", number, letter);
        version.padded += fmt::format("{}{:02}{}", field == 0 ? "" : ".", number, letter);
        begin += part.size() + 1;
    }
    return version;
}

bool is_17(std::string_view version)
{
    return version_of(version).major >= 17;
}

std::string start(Task task, Time now, std::string_view zone)
{
    return fmt::format("{}: START {}\n", name_of(task), stamp(now, zone));
}

std::string success(Task task, Time now, std::string_view zone)
{
    return fmt::format("\nSUCCESS: {} {}\n", name_of(task), stamp(now, zone));
}

std::string added(const Job& job, Time now, std::string_view zone)
{
    if (!is_17(job.leaving)) return success(Task::add, now, zone);
    const std::string file = job.file.substr(job.file.find(':') + 1);
    return fmt::format("Image added. Version: {}\n\nSUCCESS: install_add /flash/{} {}\n", job.version, file,
                       stamp(now, zone));
}

std::string adding(const Job& job)
{
    return is_17(job.leaving) ? "install_add: Adding IMG\n" : "install_add: Adding PACKAGE\n";
}

std::string failed(Task task, int code, Time now, std::string_view zone)
{
    return fmt::format("FAILED: {} exit({}) {}\n", name_of(task), code, stamp(now, zone));
}

std::string sync_begins(const Job& job, Kind kind)
{
    return fmt::format(
        "\n--- Starting initial file syncing ---\n[{0}]: Copying {1} from {3} {0} to {3} {2}\n", job.here,
        job.file, job.there, unit(kind));
}

std::string sync_ends(const Job& job, Kind kind)
{
    return fmt::format(
        "[{0}]: Finished copying to {2} {0}\nInfo: Finished copying {1} to the selected {3}\nFinished "
        "initial file "
        "syncing\n\n",
        job.there, job.file, unit(kind), kind == Kind::stackwise_virtual ? "switch(es)" : "chassis");
}

std::string sync_failed(const Job& job, Kind kind)
{
    return fmt::format(
        "[{0}]: cp: error writing '/mnt/sd3/user/{1}': No space left on device\n"
        "ERROR: Failed to copy {2} to {3} {0}\nFinished initial file syncing\n\n",
        job.there, job.file.substr(job.file.find(':') + 1), job.file, unit(kind));
}

std::string add_begins()
{
    return "--- Starting Add ---\nPerforming Add on all members\n";
}

std::string stage(int number)
{
    constexpr std::array<std::string_view, 5> names = {
        "Initial System Level Sanity Check before starting ISSU", "Installing software on Standby",
        "Restarting Standby", "Installing software on Active", "Restarting Active (switchover to standby)"};
    return fmt::format("STAGE {}: {}\n{}", number, names.at(static_cast<size_t>(number)), double_rule);
}

std::string step_begins(std::string_view step, int member)
{
    const std::string where = member == 0 ? "remote" : fmt::format("{}", member);
    return fmt::format("--- Starting {0} ---\nPerforming {0} on Chassis {1}\n", step, where);
}

std::string step_on(std::string_view step, int member, Kind kind)
{
    return fmt::format("  [{0}] {1} package(s) on {2} {0}\n", member, step, unit(kind));
}

std::string step_done_on(std::string_view step, int member, Kind kind)
{
    return fmt::format("  [{0}] Finished {1} on {2} {0}\n", member, step, unit(kind));
}

std::string step_ends(std::string_view step, std::span<const int> passed, std::span<const int> lost)
{
    std::string told;
    if (!passed.empty()) told += fmt::format("Passed on {}", numbers(passed));
    if (!lost.empty()) told += fmt::format("{}Failed on {}", passed.empty() ? "" : ". ", numbers(lost));
    return fmt::format("{0}: {1}\nFinished {0}\n\n", step, told);
}

std::string sanity_begins()
{
    return stage(0);
}

std::string verifying(std::string_view what)
{
    return fmt::format("--- Verifying {} ---\n", what);
}

std::string sanity_ends()
{
    return "Finished Initial System Level Sanity Check\n\n";
}

std::string started(const State& state, int member, std::string_view what)
{
    return fmt::format("%INSTALL-5-INSTALL_START_INFO: {}: {}: Started install {}", engine(state, member),
                       manager(state, member), what);
}

std::string completed(const State& state, int member, std::string_view what)
{
    return fmt::format("%INSTALL-5-INSTALL_COMPLETED_INFO: {}: {}: Completed install {}",
                       engine(state, member), manager(state, member), what);
}

std::string started_below(const State& state, int member, std::string_view what)
{
    return fmt::format("%INSTALL-5-INSTALL_START_INFO: R0/0: {}: Started install {}", manager(state, member),
                       what);
}

std::string completed_below(const State& state, int member, std::string_view what)
{
    return fmt::format("%INSTALL-5-INSTALL_COMPLETED_INFO: R0/0: {}: Completed install {}",
                       manager(state, member), what);
}

std::string timer_runs(const State& state, int member, Milliseconds left)
{
    return fmt::format(
        "%INSTALL-5-INSTALL_AUTO_ABORT_TIMER_PROGRESS: {}: rollback_timer: Install auto abort timer will "
        "expire in {} "
        "seconds",
        engine(state, member), std::chrono::duration_cast<std::chrono::seconds>(left).count());
}

std::string timer_expired(const State& state, int member)
{
    return fmt::format(
        "%INSTALL-3-INSTALL_AUTO_ABORT_TIMER_EXPIRED: {}: rollback_timer: Install auto abort timer expired, "
        "rolling "
        "back",
        engine(state, member));
}

std::string became_active(int count)
{
    return fmt::format(
        "%PLATFORM-6-HASTATUS_DETAIL: RP switchover, received chassis event became active. Switch to primary "
        "(count {})",
        count);
}

}  // namespace belay::lab::iosxe::text
