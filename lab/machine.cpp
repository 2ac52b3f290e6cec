#include "machine.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <sched.h>
#include <sstream>
#include <sys/personality.h>
#include <sys/poll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace belay::lab {

namespace {

/// A guest has one processor. Its kernel and its processes are processes here that wait for each other at
/// every system call: on one processor of ours a program in it starts three times as fast as across several.
/// Which: the one that we run on, for the scheduler has put us on an idle one; the guests of one program in
/// turns.
cpu_set_t next_processor()
{
    static std::atomic<unsigned> guests{0};
    cpu_set_t all;
    CPU_ZERO(&all);
    ::sched_getaffinity(0, sizeof all, &all);
    std::vector<int> allowed;
    for (int one = 0; one < CPU_SETSIZE; ++one)
        if (CPU_ISSET(one, &all)) allowed.push_back(one);
    cpu_set_t chosen;
    CPU_ZERO(&chosen);
    if (!allowed.empty())
        CPU_SET(allowed[(static_cast<unsigned>(std::max(0, ::sched_getcpu())) + guests++) % allowed.size()],
                &chosen);
    return chosen;
}

/// What the child does between fork and exec: nothing that takes a lock, for another thread may hold it.
[[noreturn]] void become_kernel(const Machine::Setup& setup, const std::vector<char*>& argv, int console,
                                const cpu_set_t& processor)
{
    ::setsid();
    // Where these fail it is slower, and no less right. What computes beside it would hold up each hand-over.
    ::sched_setaffinity(0, sizeof processor, &processor);
    ::setpriority(PRIO_PROCESS, 0, -10);
    // A stack and a heap at random places make the kernel add some 800 MB of address space to its page table.
    ::personality(ADDR_NO_RANDOMIZE);
    const int nothing = ::open("/dev/null", O_RDONLY);
    const bool ready = ::dup2(nothing, 0) == 0 && ::dup2(console, 1) == 1 && ::dup2(console, 2) == 2 &&
                       ::fcntl(setup.line, F_SETFD, 0) == 0 &&
                       (setup.network < 0 || ::setns(setup.network, CLONE_NEWNET) == 0);
    sigset_t none;
    ::sigemptyset(&none);
    ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
    if (ready) ::execv(argv[0], argv.data());
    ::_exit(127);
}

/// Whether a process of this group still holds files. The dead whom nobody has buried do not, and a signal
/// would not tell them from the living.
bool group_lives(pid_t group)
{
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
        std::ifstream file(entry.path() / "stat");
        std::string line;
        std::getline(file, line);
        // 42 (any name) S parent group ...
        const size_t name_end = line.rfind(')');
        if (name_end == std::string::npos) continue;
        std::istringstream fields(line.substr(name_end + 1));
        char state = 'Z';
        pid_t parent = 0, its_group = 0;
        fields >> state >> parent >> its_group;
        if (its_group == group && state != 'Z' && state != 'X') return true;
    }
    return false;
}

}  // namespace

Result<std::unique_ptr<Machine>> Machine::start(const Setup& setup)
{
    if (::access(setup.kernel.c_str(), X_OK) != 0)
        return fail(ErrorKind::not_found, fmt::format("there is no {} on this machine", setup.kernel),
                    "apt-get install " + setup.package);
    const int console =
        ::open(setup.console.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
    if (console < 0) return std::unexpected(system_error("open " + setup.console, errno));
    std::vector<char*> argv = {const_cast<char*>(setup.kernel.c_str())};
    for (const std::string& argument : setup.arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    const cpu_set_t processor = next_processor();
    const pid_t child = ::fork();
    if (child == 0) become_kernel(setup, argv, console, processor);
    const int error = errno;
    ::close(console);
    if (child < 0) return std::unexpected(system_error("start " + setup.kernel, error));
    return std::unique_ptr<Machine>(new Machine(child));
}

Machine::~Machine()
{
    kill();
}

Result<void> Machine::await_end(Milliseconds limit)
{
    if (ended_) return {};
    const int handle = static_cast<int>(::syscall(SYS_pidfd_open, process_, 0));
    if (handle < 0) return std::unexpected(system_error("watch the guest's kernel", errno));
    pollfd waiting{handle, POLLIN, 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(limit.count()));
    ::close(handle);
    if (ready != 1)
        return fail(ErrorKind::timeout, fmt::format("the guest has not ended within {}", to_text(limit)));
    kill();
    return {};
}

void Machine::freeze() const
{
    if (!ended_) ::kill(process_, SIGSTOP);
}

void Machine::thaw() const
{
    if (!ended_) ::kill(process_, SIGCONT);
}

void Machine::kill()
{
    if (ended_) return;
    ended_ = true;
    ::kill(-process_, SIGKILL);
    ::kill(process_, SIGKILL);  // it may have been too young to lead a group
    ::waitpid(process_, nullptr, 0);
    // The helpers are no children of ours: nobody tells us of their end, and it comes within milliseconds.
    for (int tries = 0; tries < 5000 && group_lives(process_); ++tries) ::poll(nullptr, 0, 1);
}

}  // namespace belay::lab
