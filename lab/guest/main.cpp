// Process 1 of a guest: makes the host, then runs the commands that come over the serial line. When the lab
// hangs up, or anything fails, the guest switches itself off: none outlives its lab.

#include "guest/commands.h"
#include "guest/power.h"
#include "guest/prepare.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

namespace {

using namespace belay;
using namespace belay::lab;

Result<int> open_line()
{
    const int line = ::open("/dev/ttyS0", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (line < 0) return std::unexpected(system_error("cannot open /dev/ttyS0", errno));
    termios mode{};
    if (::tcgetattr(line, &mode) != 0) return std::unexpected(system_error("cannot set /dev/ttyS0", errno));
    ::cfmakeraw(&mode);
    if (::tcsetattr(line, TCSANOW, &mode) != 0)
        return std::unexpected(system_error("cannot set /dev/ttyS0", errno));
    return line;
}

/// Before there is a second thread.
void set_environment()
{
    // NOLINTBEGIN(concurrency-mt-unsafe)
    ::clearenv();
    ::setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
    ::setenv("HOME", "/root", 1);
    ::setenv("LANG", "C.UTF-8", 1);
    ::setenv("TERM", "xterm-256color", 1);
    // NOLINTEND(concurrency-mt-unsafe)
}

Wanted read_wanted(const Frame& frame)
{
    Wanted wanted;
    for (const std::string& field : split(frame.payload)) {
        if (field.starts_with("name ")) wanted.name = field.substr(5);
        if (field.starts_with("module ")) wanted.modules.push_back(field.substr(7));
        if (field.starts_with("share ")) wanted.shares.push_back(field.substr(6));
    }
    return wanted;
}

Result<void> work()
{
    Commands commands(TRY(open_line()));
    commands.send(FrameType::hello, 0, {});
    TRY(commands.flush());
    const Frame wanted = TRY(commands.await_frame());
    Result<void> prepared = build_tree(read_wanted(wanted));
    if (prepared) prepared = settle_devices();
    if (!prepared) {
        commands.send(FrameType::broken, 0, prepared.error().what);
        TRY(commands.flush());
        return prepared;
    }
    commands.send(FrameType::ready, 0, {});
    TRY(commands.serve());
    leave_orderly();
    return {};
}

}  // namespace

int main()
{
    sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGCHLD);
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    ::umask(022);
    set_environment();
    if (const Result<void> done = work(); !done) {
        fmt::print("belay-lab-guest: {}\n", done.error().what);
        std::fflush(stdout);
    }
    ::reboot(RB_POWER_OFF);
    return 1;
}
