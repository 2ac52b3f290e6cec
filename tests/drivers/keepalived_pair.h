#pragma once
// For tests: a pair that keepalived keeps, for real, on two hosts of its own, and somebody who asks its
// address.

#include "own_hosts.h"
#include "store/scratch_folder.h"
#include "upgrade/driver/look_text.h"

namespace belay::testing {

using daemon::testing::Ran;
using daemon::testing::run_to_end;
using upgrade::driver::Look;
using upgrade::driver::Role;

inline constexpr const char* virtual_address = "10.77.0.100";

class KeepalivedPair {
  public:
    /// What the program of one of the hosts is started by.
    using Program = std::function<std::vector<std::string>(int host)>;

    explicit KeepalivedPair(
        const OwnHosts& hosts,
        const Program& program = [](int) { return std::vector<std::string>{"/usr/sbin/keepalived"}; })
        : hosts_(hosts)
    {
        for (const int host : {1, 2}) {
            std::filesystem::create_directories(path(host, ""));
            std::ofstream(path(host, "keepalived.conf")) << fmt::format(
                "global_defs {{\n  script_user root\n  vrrp_version 3\n}}\n"
                "track_file belay_web {{\n  file \"{}\"\n  weight 1\n  init_file 0\n}}\n"
                "vrrp_instance web {{\n  state BACKUP\n  interface eth0\n  virtual_router_id 51\n  priority "
                "{}\n"
                "  advert_int 1\n  virtual_ipaddress {{\n    {}/24\n  }}\n  track_file {{\n    belay_web\n  "
                "}}\n"
                "  notify \"{} {}\"\n}}\n",
                path(host, "weight"), 160 - 10 * host, virtual_address, TEST_KEEPALIVED_STATE,
                path(host, "state"));
            std::vector<std::string> words = program(host);
            words.insert(words.end(), {"--no-syslog", "--use-file", path(host, "keepalived.conf"), "--pid",
                                       path(host, "pid"), "--vrrp_pid", path(host, "vrrp.pid"),
                                       "--checkers_pid", path(host, "checkers.pid")});
            const Ran started = run_to_end(hosts_.at(host, words));
            REQUIRE_MESSAGE(started.code == 0, started.said);
            // Where both wait for each other's first word at the same time, each may take the address for a
            // moment, and one of them is neither then.
            if (host == 1) REQUIRE(becomes([&] { return look(1).role == Role::active; }));
        }
    }
    ~KeepalivedPair()
    {
        for (const int host : {1, 2}) {
            const pid_t pid = pid_of(host);
            if (pid <= 0) continue;
            kill(pid, SIGTERM);
            CHECK(becomes([&] { return kill(pid, 0) != 0; }));
        }
    }
    KeepalivedPair(const KeepalivedPair&) = delete;
    KeepalivedPair& operator=(const KeepalivedPair&) = delete;

    pid_t pid_of(int host) const
    {
        pid_t pid = 0;
        std::ifstream(path(host, "pid")) >> pid;
        return pid;
    }
    /// The driver with its arguments, without a verb.
    std::vector<std::string> driver_words(int host) const
    {
        return {TEST_DRIVER,
                "keepalived",
                "--address",
                virtual_address,
                "--track-file",
                path(host, "weight"),
                "--state-file",
                path(host, "state"),
                "--pid-file",
                path(host, "pid"),
                "--starts-at-boot",
                "--peer",
                fmt::format("10.77.0.1{}", 3 - host)};
    }
    Ran driver(int host, const std::string& verb) const
    {
        std::vector<std::string> words = driver_words(host);
        words.push_back(verb);
        return run_to_end(hosts_.at(host, words));
    }
    Look look(int host) const
    {
        const Ran looked = driver(host, "look");
        REQUIRE_MESSAGE(looked.code == 0, looked.said);
        const auto look = upgrade::driver::parse_look(looked.out);
        REQUIRE_MESSAGE(look.has_value(), looked.out);
        return *look;
    }
    bool is_settled(int active) const
    {
        return look(active).role == Role::active && look(3 - active).role == Role::standby;
    }

    std::string path(int host, const std::string& name) const
    {
        return folder_ / fmt::format("{}/{}", host, name);
    }

  private:
    const OwnHosts& hosts_;
    store::ScratchFolder folder_;
};

/// Asks the address every 5 ms.
class Pings {
  public:
    Pings()
    {
        pid_ = daemon::testing::spawn({"/usr/bin/ping", "-q", "-n", "-i", "0.005", virtual_address},
                                      {daemon::testing::plain_path},
                                      {{STDOUT_FILENO, output_.writing.number()}});
        output_.writing.close();
    }
    ~Pings() { static_cast<void>(end()); }
    Pings(const Pings&) = delete;
    Pings& operator=(const Pings&) = delete;
    std::string end()
    {
        if (pid_ == 0) return {};
        kill(pid_, SIGINT);
        std::string said;
        std::array<char, 4096> room{};
        for (ssize_t count = 0; (count = read(output_.reading.number(), room.data(), room.size())) > 0;)
            said.append(room.data(), static_cast<size_t>(count));
        daemon::testing::code_of(std::exchange(pid_, 0));
        return said;
    }

  private:
    daemon::testing::OpenPipe output_ = daemon::testing::open_pipe();
    pid_t pid_ = 0;
};

/// "412 packets transmitted, 412 received": those without an answer.
inline int unanswered(const std::string& summary)
{
    const size_t at = summary.find(" packets transmitted");
    REQUIRE_MESSAGE(at != std::string::npos, summary);
    const int sent = std::stoi(summary.substr(summary.rfind('\n', at) + 1));
    const int received = std::stoi(summary.substr(summary.find(", ", at) + 2));
    return sent - received;
}

}  // namespace belay::testing
