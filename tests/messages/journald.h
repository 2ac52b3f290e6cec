#pragma once
// A systemd-journald of the test's own: in a mount namespace with its own /run, /var/log and /dev, so that
// logger(1), syslog(3) and libsystemd reach it as they reach that of a host, and nobody else does.

#include "server.h"

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>

namespace belay::messages {

/// For the rest of this process. What is in the way; empty: nothing.
inline std::string enter_own_mounts()
{
    static const std::string in_the_way = []() -> std::string {
        if (access("/lib/systemd/systemd-journald", X_OK) != 0) return "systemd-journald is not there";
        if (access("/etc/machine-id", F_OK) != 0) return "this machine has no /etc/machine-id";
        if (unshare(CLONE_NEWNS) != 0) return "no mount namespace can be made here";
        const auto mounted = [](const char* what, const std::string& where, const char* type,
                                unsigned long how) {
            return mount(what, where.c_str(), type, how, nullptr) == 0;
        };
        bool is_done = mounted(nullptr, "/", nullptr, MS_REC | MS_PRIVATE) &&
                       mounted("tmpfs", "/run", "tmpfs", 0) && mounted("tmpfs", "/var/log", "tmpfs", 0);
        if (!is_done) return "nothing can be mounted here";
        for (const char* folder :
             {"/run/dev", "/run/log", "/run/systemd", "/run/systemd/journald.conf.d", "/run/lock"})
            mkdir(folder, 0755);
        std::ofstream("/run/machine-id") << "0123456789abcdef0123456789abcdef\n";
        is_done = mounted("/run/machine-id", "/etc/machine-id", nullptr, MS_BIND) &&
                  mounted("tmpfs", "/run/dev", "tmpfs", 0);
        for (const char* node : {"null", "zero", "full", "random", "urandom", "tty", "kmsg", "ptmx"}) {
            if (access((std::string("/dev/") + node).c_str(), F_OK) != 0) continue;
            const std::string own = std::string("/run/dev/") + node;
            std::ofstream(own) << "";
            is_done = is_done && mounted((std::string("/dev/") + node).c_str(), own, nullptr, MS_BIND);
        }
        mkdir("/run/dev/shm", 01777);
        is_done = is_done && symlink("/run/systemd/journal/dev-log", "/run/dev/log") == 0 &&
                  symlink("/proc/self/fd", "/run/dev/fd") == 0 &&
                  mounted("/run/dev", "/dev", nullptr, MS_MOVE);
        return is_done ? "" : "nothing can be mounted here";
    }();
    return in_the_way;
}

/// What a shell says to it.
inline int run_in_shell(const std::string& command)
{
    const int status = std::system(command.c_str());  // NOLINT(cert-env33-c,concurrency-mt-unsafe): of a test
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

class Journald {
  public:
    enum class Kept { on_disk, in_memory };

    /// enter_own_mounts() has succeeded.
    explicit Journald(Kept kept = Kept::on_disk) : kept_(kept)
    {
        wipe();
        start();
    }
    ~Journald() { end(); }
    Journald(const Journald&) = delete;
    Journald& operator=(const Journald&) = delete;

    void start()
    {
        std::filesystem::create_directories("/run/systemd/journal");
        std::ofstream("/run/systemd/journald.conf.d/test.conf")
            << "[Journal]\nRateLimitIntervalSec=0\nReadKMsg=no\nAudit=no\nForwardToSyslog=no\nForwardToWall="
               "no\n"
            << "SyncIntervalSec=1s\nSystemMaxUse=500M\nRuntimeMaxUse=500M\n";
        if (kept_ == Kept::on_disk) {
            std::filesystem::create_directories("/var/log/journal");
            std::ofstream("/run/systemd/journal/flushed") << "";
        }
        std::filesystem::remove("/run/systemd/journal/socket");
        pid_ = fork();
        REQUIRE(pid_ >= 0);
        if (pid_ == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            const int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
            dup2(nowhere, STDERR_FILENO);
            execl("/lib/systemd/systemd-journald", "systemd-journald", nullptr);
            _exit(127);
        }
        await([] { return access("/run/systemd/journal/socket", F_OK) == 0; });
        sync();
    }
    void end(int signal = SIGTERM)
    {
        if (pid_ <= 0) return;
        kill(pid_, signal);
        waitpid(std::exchange(pid_, 0), nullptr, 0);
        std::filesystem::remove("/run/systemd/journal/socket");
    }
    /// As if the host had never had one.
    static void wipe()
    {
        for (const char* folder : {"/run/log/journal", "/var/log/journal", "/run/systemd/journal"})
            std::filesystem::remove_all(folder);
    }
    /// What was said to it before is in its files.
    static void sync() { control("--sync"); }
    static void control(const std::string& option)
    {
        await([&] { return run_in_shell("journalctl " + option + " >/dev/null 2>&1") == 0; });
    }

  private:
    const Kept kept_;
    pid_t pid_ = 0;
};

}  // namespace belay::messages
