#include "guest/power.h"

#include <cerrno>
#include <csignal>
#include <ctime>
#include <fstream>
#include <sstream>
#include <string>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace belay::lab {

namespace {

/// Buries children until none is left, for as long as two seconds. The signal CHLD must be blocked.
void await_children()
{
    sigset_t child_signal;
    ::sigemptyset(&child_signal);
    ::sigaddset(&child_signal, SIGCHLD);
    const timespec two_seconds = {2, 0};
    do {
        while (::waitpid(-1, nullptr, WNOHANG) > 0) {
        }
        if (::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD) return;
    } while (::sigtimedwait(&child_signal, nullptr, &two_seconds) == SIGCHLD);
}

}  // namespace

void leave_orderly()
{
    ::kill(-1, SIGTERM);
    await_children();
    ::kill(-1, SIGKILL);
    await_children();
    ::sync();
    std::vector<std::string> targets;
    std::ifstream mounts("/proc/mounts");
    for (std::string mount; std::getline(mounts, mount);) {
        std::istringstream fields(mount);
        std::string source, target;
        fields >> source >> target;
        if (source.starts_with("/dev/")) targets.push_back(target);
    }
    for (auto target = targets.rbegin(); target != targets.rend(); ++target) ::umount(target->c_str());
    ::sync();
}

}  // namespace belay::lab
