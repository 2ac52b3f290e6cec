#pragma once
// For tests: OpenSSH's own server, for one connection after the other, on a port that was free. Whatever is
// asked of it becomes a program of the test's; SCP does so where the test has made a file "sink".

#include "host/descriptor.h"
#include "host/testing/scratch.h"

#include <arpa/inet.h>
#include <array>
#include <atomic>
#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <mutex>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <vector>

namespace belay::host::ssh::testing {

inline std::string first_line_of(const std::string& path)
{
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

inline std::string whole(const std::string& path)
{
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// Runs a program of the system to its end.
inline bool run(const std::vector<std::string>& words)
{
    std::vector<char*> argv;
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    pid_t pid = -1;
    const int problem = posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    int status = -1;
    return problem == 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/// A socket that listens on loopback.
struct Listener {
    Descriptor socket;
    uint16_t port = 0;
};
inline Listener listener_on_free_port()
{
    Listener made{.socket = Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(bind(made.socket.number(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(listen(made.socket.number(), 8) == 0);
    socklen_t size = sizeof address;
    REQUIRE(getsockname(made.socket.number(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    made.port = ntohs(address.sin_port);
    return made;
}

/// sshd is started for each connection with that as its standard input, as inetd does it: so no port is
/// taken from anybody.
class Sshd {
  public:
    /// `shell`: what a line runs, in the language of sh. `key`: of which kind its host key is. `config`: more
    /// lines for its sshd_config.
    explicit Sshd(const std::string& shell, const std::string& key = "ed25519", std::string_view config = "")
    {
        if (geteuid() == 0) mkdir("/run/sshd", 0755);  // where sshd wants to be confined
        REQUIRE(run({"ssh-keygen", "-q", "-t", key, "-N", "", "-f", scratch_.path("host")}));
        REQUIRE(run({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", scratch_.path("user")}));
        std::filesystem::copy_file(scratch_.path("user.pub"), scratch_.path("authorized"));
        const std::string program =
            scratch_.file("shell",
                          "#!/bin/sh\ncase \"${SSH_ORIGINAL_COMMAND:-}\" in \"scp -t \"*)\n"
                          "[ -e \"$(dirname \"$0\")/sink\" ] && exec sh \"$(dirname \"$0\")/sink\"\n"
                          "exec $SSH_ORIGINAL_COMMAND;; esac\n" +
                              shell);
        REQUIRE(chmod(program.c_str(), 0755) == 0);
        // sshd has the login shell of the user run the program, and what that reads first (~/.bashrc) may do
        // anything, for any time: HOME is a folder that has nothing for it.
        scratch_.file("config",
                      fmt::format("HostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\n"
                                  "PermitRootLogin yes\nPasswordAuthentication no\nForceCommand {}\n"
                                  "PrintMotd no\nPrintLastLog no\nLogLevel QUIET\nSetEnv HOME={}\n{}",
                                  scratch_.path("host"), scratch_.path("authorized"), program,
                                  scratch_.path(""), config));
        thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
    }
    ~Sshd()
    {
        thread_.request_stop();
        thread_.join();
        for (const pid_t pid : children_) {
            kill(pid, SIGKILL);
            waitpid(pid, nullptr, 0);
        }
    }
    Sshd(const Sshd&) = delete;
    Sshd& operator=(const Sshd&) = delete;

    uint16_t port() const { return listener_.port; }
    std::string host_key() const { return first_line_of(scratch_.path("host.pub")); }
    std::string user_key() const { return whole(scratch_.path("user")); }
    static std::string user() { return getpwuid(geteuid())->pw_name; }
    std::string path(std::string_view name) const { return scratch_.path(name); }
    std::string file(std::string_view name, std::string_view text) const { return scratch_.file(name, text); }
    int connections() const { return connections_; }

  private:
    void serve(const std::stop_token& stop)
    {
        while (!stop.stop_requested()) {
            pollfd event{.fd = listener_.socket.number(), .events = POLLIN, .revents = 0};
            if (poll(&event, 1, 50) <= 0) continue;
            const Descriptor connection(accept4(listener_.socket.number(), nullptr, nullptr, SOCK_CLOEXEC));
            if (!connection) continue;
            ++connections_;
            std::array<std::string, 4> words = {"/usr/sbin/sshd", "-i", "-f", scratch_.path("config")};
            std::array<char*, 5> argv = {words[0].data(), words[1].data(), words[2].data(), words[3].data(),
                                         nullptr};
            posix_spawn_file_actions_t actions;
            posix_spawn_file_actions_init(&actions);
            posix_spawn_file_actions_adddup2(&actions, connection.number(), 0);
            posix_spawn_file_actions_adddup2(&actions, connection.number(), 1);
            posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
            pid_t pid = -1;
            if (posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ) == 0)
                children_.push_back(pid);
            posix_spawn_file_actions_destroy(&actions);
        }
    }

    host::testing::Scratch scratch_;
    Listener listener_ = listener_on_free_port();
    std::atomic<int> connections_ = 0;
    std::vector<pid_t> children_;
    std::jthread thread_;
};

}  // namespace belay::host::ssh::testing
