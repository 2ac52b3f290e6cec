#pragma once
// For tests: hosts that are network namespaces at one bridge. They are gone when the test is.

#include "daemon/testing/run.h"
#include "own_network.h"

#include <chrono>
#include <thread>

namespace belay::testing {

/// What is needed is there, or a message.
inline bool can_run(const std::vector<const char*>& programs)
{
    bool has_all = geteuid() == 0;
    if (!has_all) MESSAGE("not root: nothing is run");
    for (const char* const program : programs) {
        if (access(program, X_OK) == 0) continue;
        MESSAGE(std::string(program),
                " is not there (packaging/install-needs test installs it): nothing is run");
        has_all = false;
    }
    return has_all;
}

/// Asks until it is so, at most half a minute.
inline bool becomes(const std::function<bool()>& ask)
{
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!ask()) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return true;
}

inline daemon::testing::Ran shell(const std::string& script)
{
    return daemon::testing::run_to_end({"/bin/sh", "-c", "set -eu\n" + script});
}

/// Two hosts, 10.77.0.11 and 10.77.0.12; this thread is at 10.77.0.1.
class OwnHosts {
  public:
    OwnHosts()
    {
        have_own_network();
        run("ip link del br0 2>/dev/null || true; ip link add br0 type bridge; ip address add 10.77.0.1/24 "
            "dev br0; ip link set br0 up");
        for (const int host : {1, 2}) {
            const pid_t pid = daemon::testing::spawn({"/usr/bin/unshare", "--net", "/bin/sleep", "infinity"},
                                                     {daemon::testing::plain_path}, {});
            pids_.push_back(pid);
            const auto network_of = [](pid_t of) {
                std::error_code gone;
                return std::filesystem::read_symlink(fmt::format("/proc/{}/ns/net", of), gone);
            };
            REQUIRE(
                becomes([&] { return network_of(pid) != network_of(getpid()) && !network_of(pid).empty(); }));
            run(fmt::format(
                "ip link add host{0} type veth peer name eth0 netns {1}; ip link set host{0} master br0 up\n"
                "nsenter -t {1} -n ip link set lo up; nsenter -t {1} -n ip link set eth0 up\n"
                "nsenter -t {1} -n ip address add 10.77.0.1{0}/24 dev eth0\n",
                host, pid));
        }
    }
    ~OwnHosts()
    {
        for (const pid_t pid : pids_) {
            kill(pid, SIGKILL);
            daemon::testing::code_of(pid);
        }
    }
    OwnHosts(const OwnHosts&) = delete;
    OwnHosts& operator=(const OwnHosts&) = delete;

    std::vector<std::string> at(int host, const std::vector<std::string>& words) const
    {
        std::vector<std::string> all = {"/usr/bin/nsenter", "-t", std::to_string(pids_.at(host - 1)), "-n"};
        all.insert(all.end(), words.begin(), words.end());
        return all;
    }

  private:
    static void run(const std::string& script)
    {
        const daemon::testing::Ran ran = shell(script);
        REQUIRE_MESSAGE(ran.code == 0, ran.said);
    }

    std::vector<pid_t> pids_;
};

}  // namespace belay::testing
