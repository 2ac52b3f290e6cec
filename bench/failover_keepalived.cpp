// A pair that keepalived keeps, as its manual has it: two hosts of one virtual router, whose server is looked
// at by a script and told which it is by another.

#include "failover_pairs.h"
#include "program.h"
#include "supervision_processes.h"

#include <csignal>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <map>
#include <optional>
#include <unistd.h>

namespace belay::bench {
namespace {

constexpr const char* keepalived_program = "/usr/sbin/keepalived";
constexpr int keepalived_hosts = 2;
constexpr auto keepalived_patience = std::chrono::seconds(60);
constexpr auto keepalived_is_looked_at_every = std::chrono::milliseconds(5);

class KeepalivedPair final : public MeasuredPair {
  public:
    KeepalivedPair(HostNetwork network, const PairGround& ground, int advert_ms)
        : MeasuredPair(std::move(network), ground.folder, Serving::any), advert_ms_(advert_ms)
    {
        programs_ = ground.programs;
        act_every_ = ground.act_every;
    }

    Result<void> begin()
    {
        for (int host = 1; host <= keepalived_hosts; ++host) {
            write_files(host);
            TRY(mend(host));
        }
        return {};
    }

    Result<int> settle() override
    {
        const Nanoseconds until = reading(CLOCK_MONOTONIC) + keepalived_patience;
        while (reading(CLOCK_MONOTONIC) < until) {
            const std::string one = state_of(1), other = state_of(2);
            if (one == "MASTER" && other == "BACKUP") return 1;
            if (one == "BACKUP" && other == "MASTER") return 2;
            usleep(std::chrono::microseconds(keepalived_is_looked_at_every).count());
        }
        return fail(ErrorKind::timeout,
                    fmt::format("keepalived's pair does not come to rest: {}, {}", state_of(1), state_of(2)));
    }
    pid_t server(int host) override { return hosts_[host].server ? hosts_[host].server->pid() : 0; }
    /// As by `systemctl stop keepalived`.
    Result<void> switch_over(int from) override
    {
        kill(hosts_[from].keepalived->pid(), SIGTERM);
        hosts_[from].is_told_to_end = true;
        return {};
    }
    Result<void> mend(int host) override
    {
        return network().within(host, [&]() -> Result<void> {
            Host& at = hosts_[host];
            if (!runs(at.server)) {
                at.server.reset();
                Program server = TRY(Program::start(server_words(host)));
                at.server.emplace(std::move(server));
                std::ofstream(file(host, "server.pid")) << at.server->pid() << '\n';
            }
            if (!std::exchange(at.is_told_to_end, false) && runs(at.keepalived)) return {};
            at.keepalived.reset();
            std::filesystem::remove(file(host, "state"));
            Program keepalived = TRY(Program::start(
                {keepalived_program, "--dont-fork", "--no-syslog", "--use-file",
                 file(host, "keepalived.conf"), "--pid", file(host, "keepalived.pid"), "--vrrp_pid",
                 file(host, "vrrp.pid"), "--checkers_pid", file(host, "checkers.pid")}));
            at.keepalived.emplace(std::move(keepalived));
            return {};
        });
    }
    std::set<pid_t> keepers(int host) override
    {
        return hosts_[host].keepalived ? family_of(hosts_[host].keepalived->pid()) : std::set<pid_t>{};
    }
    int hosts() const override { return keepalived_hosts; }

  private:
    struct Host {
        std::optional<Program> server = {}, keepalived = {};
        bool is_told_to_end = false;
    };

    /// Its end is taken in where it has ended.
    static bool runs(const std::optional<Program>& program)
    {
        siginfo_t info{};
        return program && waitid(P_PID, static_cast<id_t>(program->pid()), &info, WEXITED | WNOHANG) == 0 &&
               info.si_pid == 0;
    }
    std::string file(int host, std::string_view name) const
    {
        return fmt::format("{}/{}", folder_of(host), name);
    }
    std::string state_of(int host) const
    {
        std::string state;
        std::ifstream(file(host, "state")) >> state;
        return state;
    }
    void forget(int host) override
    {
        hosts_[host].server.reset();
        hosts_[host].keepalived.reset();
        std::filesystem::remove(file(host, "state"));
    }

    void write_files(int host) const
    {
        std::filesystem::create_directories(folder_of(host));
        std::ofstream(file(host, "check"))
            << fmt::format("kill -0 \"$(cat {})\"\n", file(host, "server.pid"));
        std::ofstream(file(host, "notify")) << fmt::format(
            "signal=USR2\n[ \"$3\" = MASTER ] && signal=USR1\n"
            "kill -$signal \"$(cat {})\"\necho \"$3\" >{}.new && mv {}.new {}\n",
            file(host, "server.pid"), file(host, "state"), file(host, "state"), file(host, "state"));
        std::ofstream(file(host, "keepalived.conf"))
            << "global_defs {\n  vrrp_version 3\n  script_user root\n}\n"
            << fmt::format(
                   "vrrp_script check {{\n  script \"/bin/sh {}\"\n  interval 1\n  fall 1\n"
                   "  rise 1\n}}\n",
                   file(host, "check"))
            << fmt::format(
                   "vrrp_instance server {{\n  state BACKUP\n  nopreempt\n  interface {}\n"
                   "  virtual_router_id 51\n  priority {}\n  advert_int {:.2f}\n"
                   "  virtual_ipaddress {{\n    {}\n  }}\n  track_script {{\n    check\n  }}\n"
                   "  notify \"/bin/sh {}\"\n}}\n",
                   host_interface, 102 - host, advert_ms_ / 1000.0, virtual_address, file(host, "notify"));
    }

    const int advert_ms_;
    std::map<int, Host> hosts_;
};

}  // namespace

Result<std::unique_ptr<MeasuredPair>> begin_keepalived(const PairGround& ground, int advert_ms)
{
    if (access(keepalived_program, X_OK) != 0)
        return fail(ErrorKind::not_found, fmt::format("{} is not there", keepalived_program),
                    "apt install keepalived");
    HostNetwork network = TRY(HostNetwork::make(keepalived_hosts));
    auto pair = std::make_unique<KeepalivedPair>(std::move(network), ground, advert_ms);
    TRY(pair->begin());
    return pair;
}

}  // namespace belay::bench
