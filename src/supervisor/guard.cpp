#include "supervisor/guard.h"

#include "host/application/control_groups.h"
#include "supervisor/run_folder.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace belay::supervisor {
namespace {

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

sigset_t awaited_signals()
{
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
    return signals;
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
    Milliseconds pause{0};
    while (true) {
        const Milliseconds begun = now();
        const pid_t supervisor = fork();
        if (supervisor == 0) {
            pthread_sigmask(SIG_SETMASK, &before, nullptr);
            return {};
        }
        if (ready_fd) let_go_of_starter(*std::exchange(ready_fd, std::nullopt));
        std::optional<siginfo_t> end;
        while (!end) {
            siginfo_t signal{};
            sigwaitinfo(&awaited, &signal);
            if (signal.si_signo != SIGCHLD && supervisor > 0) kill(supervisor, signal.si_signo);
            end = reap_all(supervisor, run_folder);
            if (supervisor < 0) break;
        }
        // One that ends by itself was told to, or has said why it cannot serve.
        if (end && end->si_code == CLD_EXITED) return {.is_guard = true, .exit_code = end->si_status};
        pause =
            now() - begun >= good_run ? Milliseconds{0} : std::clamp(pause * 2, first_pause, longest_pause);
        const timespec wait{.tv_sec = pause.count() / 1000, .tv_nsec = pause.count() % 1000 * 1'000'000};
        nanosleep(&wait, nullptr);
    }
}

}  // namespace belay::supervisor
