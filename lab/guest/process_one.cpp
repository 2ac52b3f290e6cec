#include "guest/process_one.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

namespace belay::lab {

namespace {

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

}  // namespace

int as_process_one(Result<void> (*work)())
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

}  // namespace belay::lab
