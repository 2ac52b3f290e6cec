// A pair that keepalived keeps, for real, on two hosts of its own: its address is moved both ways while it is
// asked 200 times a second.

#include "own_hosts.h"
#include "store/scratch_folder.h"
#include "upgrade/driver/look_text.h"

namespace belay {
namespace {

using daemon::testing::Ran;
using daemon::testing::run_to_end;
using upgrade::driver::Look;
using upgrade::driver::Role;

constexpr const char* virtual_address = "10.77.0.100";

class KeepalivedPair {
  public:
    explicit KeepalivedPair(const testing::OwnHosts& hosts) : hosts_(hosts)
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
            const Ran started = run_to_end(
                hosts_.at(host, {"/usr/sbin/keepalived", "--no-syslog", "--use-file",
                                 path(host, "keepalived.conf"), "--pid", path(host, "pid"), "--vrrp_pid",
                                 path(host, "vrrp.pid"), "--checkers_pid", path(host, "checkers.pid")}));
            REQUIRE_MESSAGE(started.code == 0, started.said);
        }
    }
    ~KeepalivedPair()
    {
        for (const int host : {1, 2}) {
            const pid_t pid = pid_of(host);
            if (pid <= 0) continue;
            kill(pid, SIGTERM);
            CHECK(testing::becomes([&] { return kill(pid, 0) != 0; }));
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
    Ran driver(int host, const std::string& verb) const
    {
        return run_to_end(
            hosts_.at(host, {TEST_DRIVER, "keepalived", "--address", virtual_address, "--track-file",
                             path(host, "weight"), "--state-file", path(host, "state"), "--pid-file",
                             path(host, "pid"), "--peer", fmt::format("10.77.0.1{}", 3 - host), verb}));
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

  private:
    std::string path(int host, const std::string& name) const
    {
        return folder_ / fmt::format("{}/{}", host, name);
    }

    const testing::OwnHosts& hosts_;
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
int unanswered(const std::string& summary)
{
    const size_t at = summary.find(" packets transmitted");
    REQUIRE_MESSAGE(at != std::string::npos, summary);
    const int sent = std::stoi(summary.substr(summary.rfind('\n', at) + 1));
    const int received = std::stoi(summary.substr(summary.find(", ", at) + 2));
    return sent - received;
}

TEST_CASE(
    "keepalived's address is moved to the standby and back: raised before, lowered after, and asked all the "
    "time")
{
    if (!testing::can_run({"/usr/sbin/keepalived", "/usr/bin/ping"})) return;
    const testing::OwnHosts hosts;
    const KeepalivedPair pair(hosts);
    REQUIRE(testing::becomes([&] { return pair.is_settled(1); }));
    const Look standby = pair.look(2);
    CHECK(standby.hot);
    CHECK(standby.version.starts_with("v2") == false);
    CHECK(standby.runs_from == "/usr/sbin/keepalived");

    const Ran serves = pair.driver(1, "restart");
    CHECK(serves.code == 1);
    CHECK(serves.said == "belay-driver: 10.77.0.100 is here (stand-by comes first)\n");
    const pid_t before = pair.pid_of(2);
    const Ran restarted = pair.driver(2, "restart");
    CHECK_MESSAGE(restarted.code == 0, restarted.said);
    CHECK(pair.pid_of(2) != before);

    int active = 1;
    for (int move = 0; move < 4; ++move) {
        CAPTURE(move);
        Pings pings;
        const auto begun = std::chrono::steady_clock::now();
        const Ran raised = pair.driver(3 - active, "take-over");
        CHECK_MESSAGE(raised.code == 0, raised.said);
        const Ran lowered = pair.driver(active, "stand-by");
        CHECK_MESSAGE(lowered.code == 0, lowered.said);
        active = 3 - active;
        REQUIRE(testing::becomes([&] { return pair.is_settled(active); }));
        const auto took = std::chrono::steady_clock::now() - begun;
        const int lost = unanswered(pings.end());
        MESSAGE("a move of ", std::chrono::duration_cast<std::chrono::milliseconds>(took).count(), " ms, ",
                lost, " pings of one each 5 ms unanswered");
        CHECK(lost <= 60);
    }
    CHECK(pair.driver(active, "take-over").code == 0);
    CHECK(pair.driver(3 - active, "stand-by").code == 0);
    CHECK(pair.is_settled(active));
}

TEST_CASE("keepalived's address stays where it is when nobody would take it")
{
    if (!testing::can_run({"/usr/sbin/keepalived", "/usr/bin/ping"})) return;
    const testing::OwnHosts hosts;
    const KeepalivedPair pair(hosts);
    REQUIRE(testing::becomes([&] { return pair.is_settled(1); }));
    const pid_t other = pair.pid_of(2);
    kill(other, SIGTERM);
    REQUIRE(testing::becomes([&] { return kill(other, 0) != 0; }));
    CHECK(pair.look(2).role == Role::none);
    CHECK(pair.driver(2, "take-over").code == 1);
    const Ran refused = pair.driver(1, "stand-by");
    CHECK(refused.code == 1);
    CHECK(refused.said == "belay-driver: nobody takes 10.77.0.100 over: the priority is what it was\n");
    const Look look = pair.look(1);
    CHECK(look.role == Role::active);
    CHECK(look.says == "has 10.77.0.100, its priority changed by 0");
}

}  // namespace
}  // namespace belay
