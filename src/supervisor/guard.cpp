#include "supervisor/guard.h"

#include "host/application/control_groups.h"
#include "host/application/lease_page.h"
#include "host/real_time.h"
#include "supervisor/run_folder.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <map>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace belay::supervisor {
namespace {

constexpr int guard_priority = 11;
constexpr Milliseconds first_pause = std::chrono::milliseconds(20);
constexpr Milliseconds longest_pause = std::chrono::seconds(5);
constexpr Milliseconds good_run = std::chrono::seconds(10);

Milliseconds now()
{
    timespec at{};
    clock_gettime(CLOCK_MONOTONIC, &at);
    return std::chrono::duration_cast<Milliseconds>(std::chrono::seconds(at.tv_sec) +
                                                    std::chrono::nanoseconds(at.tv_nsec));
}

/// What tells a supervisor to end, or to renew itself.
constexpr std::array signals_to_supervisor = {SIGTERM, SIGINT, SIGHUP};

sigset_t awaited_signals()
{
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGCHLD, SIGUSR1}) sigaddset(&signals, signal);
    for (const int signal : signals_to_supervisor) sigaddset(&signals, signal);
    return signals;
}

/// The mask with which a supervisor begins: what is handed on to it before it listens waits until it does. It
/// would else kill it, which looks like a supervisor that has to be started anew.
sigset_t mask_of_supervisor(sigset_t before)
{
    for (const int signal : signals_to_supervisor) sigaddset(&before, signal);
    return before;
}

/// Writes down how it ended before its number is given to another.
void take_in(pid_t pid, const siginfo_t& info, const std::string& run_folder)
{
    if (const auto started = host::start_of(pid))
        RunFolder::add_end(run_folder, {.pid = pid, .started = *started},
                           {.by_signal = info.si_code != CLD_EXITED, .number = info.si_status});
    waitpid(pid, nullptr, 0);
}

/// Those that have ended; the supervisor's end where it is among them.
std::optional<siginfo_t> reap_all(pid_t supervisor, const std::string& run_folder)
{
    std::optional<siginfo_t> its_end;
    while (true) {
        siginfo_t info{};
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return its_end;
        if (info.si_pid == supervisor) {
            its_end = info;
            waitpid(supervisor, nullptr, 0);
        } else {
            take_in(info.si_pid, info, run_folder);
        }
    }
}

/// Those of applications that serve. The supervisor ends them itself when their leases are over; where it
/// does not, since it is frozen or gone, this does.
class Leases {
  public:
    explicit Leases(std::string run_folder) : run_folder_(std::move(run_folder)) { look(); }

    /// There may be others.
    void look()
    {
        std::error_code problem;
        for (const auto& entry : std::filesystem::directory_iterator(run_folder_, problem)) {
            const std::string path = entry.path().string();
            if (entry.path().extension() != ".lease" || pages_.contains(path)) continue;
            if (auto page = host::LeasePage::open(path)) pages_.emplace(path, std::move(*page));
        }
    }

    /// For one of these signals, and ends meanwhile what has no lease any more. 0: none came.
    int wait(const sigset_t& signals)
    {
        const auto next = next_end();
        siginfo_t signal{};
        if (!next) {
            sigwaitinfo(&signals, &signal);
            return signal.si_signo;
        }
        const timespec limit = span_of(*next - host::lease_clock());
        if (sigtimedwait(&signals, &signal, &limit) > 0) return signal.si_signo;
        end_those_due();
        return 0;
    }

    /// Nobody renews a lease now.
    void rest(Milliseconds pause)
    {
        const host::Microseconds until = host::lease_clock() + pause;
        while (true) {
            const auto next = next_end();
            const host::Microseconds at = next ? std::min(until, *next) : until;
            const timespec limit = span_of(at - host::lease_clock());
            nanosleep(&limit, nullptr);
            end_those_due();
            if (host::lease_clock() >= until) return;
        }
    }

  private:
    static timespec span_of(host::Microseconds span)
    {
        span = std::max(span, host::Microseconds{0});
        return {.tv_sec = span.count() / 1'000'000, .tv_nsec = span.count() % 1'000'000 * 1000};
    }

    std::optional<host::Microseconds> next_end() const
    {
        std::optional<host::Microseconds> next;
        for (const auto& [path, page] : pages_) {
            const host::Microseconds until = page.until();
            const auto ended = ended_.find(path);
            if (until.count() == 0 || (ended != ended_.end() && ended->second == until)) continue;
            next = next ? std::min(*next, until) : until;
        }
        return next;
    }

    void end_those_due()
    {
        const host::Microseconds at = host::lease_clock();
        for (const auto& [path, page] : pages_) {
            const host::Microseconds until = page.until();
            if (until.count() == 0 || until > at || std::exchange(ended_[path], until) == until) continue;
            page.kill();
        }
    }

    const std::string run_folder_;
    std::map<std::string, host::LeasePage> pages_;
    std::map<std::string, host::Microseconds> ended_;  ///< by which end
};

/// The supervisor has its own: the starter waits until nobody else can say anything.
void let_go_of_starter(int ready_fd)
{
    close(ready_fd);
    const host::Descriptor nowhere(open("/dev/null", O_WRONLY | O_CLOEXEC));
    if (nowhere) dup2(nowhere.number(), STDERR_FILENO);
}

}  // namespace

Guarded guard(const std::string& run_folder, std::optional<int>& ready_fd)
{
    // Where it stays behind no group below could have limits.
    static_cast<void>(host::ControlGroups::open(RunFolder::groups_of(run_folder)));
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    const sigset_t awaited = awaited_signals();
    sigset_t before;
    pthread_sigmask(SIG_BLOCK, &awaited, &before);
    const sigset_t its_mask = mask_of_supervisor(before);
    host::run_before_others(guard_priority);
    Leases leases(run_folder);
    const pid_t guard = getpid();
    Milliseconds pause{0};
    // By which signal. It is told to each supervisor from then on: one that died of something else as it was
    // told has not stopped its applications.
    std::optional<int> told_to_end;
    while (true) {
        const Milliseconds begun = now();
        const pid_t supervisor = fork();
        if (supervisor == 0) {
            pthread_sigmask(SIG_SETMASK, &its_mask, nullptr);
            return {.by = guard};
        }
        if (told_to_end && supervisor > 0) kill(supervisor, *told_to_end);
        if (ready_fd) let_go_of_starter(*std::exchange(ready_fd, std::nullopt));
        std::optional<siginfo_t> end;
        while (!end) {
            const int signal = leases.wait(awaited);
            if (signal == SIGUSR1) leases.look();
            const bool is_for_supervisor =
                std::ranges::find(signals_to_supervisor, signal) != signals_to_supervisor.end();
            if (is_for_supervisor && signal != SIGHUP) told_to_end = signal;
            if (is_for_supervisor && supervisor > 0) kill(supervisor, signal);
            end = reap_all(supervisor, run_folder);
            if (supervisor < 0) break;
        }
        // One that ends by itself was told to, or has said why it cannot serve.
        if (end && end->si_code == CLD_EXITED) return {.is_guard = true, .exit_code = end->si_status};
        pause =
            now() - begun >= good_run ? Milliseconds{0} : std::clamp(pause * 2, first_pause, longest_pause);
        leases.rest(pause);
    }
}

}  // namespace belay::supervisor
