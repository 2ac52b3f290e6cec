// How others do it: with what every system has, and with keepalived.

#include "program.h"
#include "supervisor/testing/callers.h"
#include "upgrade_ways.h"

#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <optional>
#include <unistd.h>

namespace belay::bench {
namespace {

constexpr const char* python = "/usr/bin/python3";
constexpr const char* keepalived_of_upgrades = "/usr/sbin/keepalived";
constexpr auto peer_patience = std::chrono::seconds(30);
constexpr auto peer_is_looked_at_every = std::chrono::milliseconds(1);

/// The files of both versions, and the one that is next.
class TwoVersions {
  public:
    explicit TwoVersions(const UpgradeGround& ground) : folder_(ground.folder)
    {
        for (const char* version : {"1.0", "2.0"}) {
            std::filesystem::create_directories(folder_of(version));
            std::filesystem::copy_file(ground.server, folder_of(version) + "/server");
            std::ofstream(folder_of(version) + "/VERSION") << version << '\n';
        }
    }

    std::string server() const { return folder_of(is_new_ ? "2.0" : "1.0") + "/server"; }
    void turn() { is_new_ = !is_new_; }

  private:
    std::string folder_of(const std::string& version) const { return folder_ + "/shop-" + version; }

    std::string folder_;
    bool is_new_ = false;
};

Result<void> await_of_peer(const std::string& what, const std::function<bool()>& come)
{
    const Nanoseconds until = reading(CLOCK_MONOTONIC) + peer_patience;
    while (!come()) {
        if (reading(CLOCK_MONOTONIC) > until) return fail(ErrorKind::timeout, what);
        usleep(std::chrono::microseconds(peer_is_looked_at_every).count());
    }
    return {};
}

/// Starts it on a host, and returns when it answers there.
Result<Program> start_server(const HostNetwork& network, int host, const std::vector<std::string>& words)
{
    std::optional<Program> server;
    TRY(network.within(host, [&]() -> Result<void> {
        Program started = TRY(Program::start(words));
        server.emplace(std::move(started));
        const std::string wanted = fmt::format("process {} ", server->pid());
        return await_of_peer("a server does not answer", [&] {
            return supervisor::answer_to("127.0.0.1", upgraded_port, "/").contains(wanted);
        });
    }));
    return *std::move(server);
}

std::vector<std::string> words_of_server(const TwoVersions& versions, Ending ending)
{
    std::vector<std::string> words = {python, versions.server(), "--port", std::to_string(upgraded_port)};
    if (ending == Ending::finishes) words.emplace_back("--finish");
    return words;
}

class OneServer final : public UpgradeWay {
  public:
    OneServer(HostNetwork network, const UpgradeGround& ground, Ending ending, bool overlaps)
        : UpgradeWay(std::move(network)), versions_(ground), ending_(ending), overlaps_(overlaps)
    {
    }

    Result<void> begin()
    {
        Program started = TRY(start_server(network(), 1, words()));
        server_.emplace(std::move(started));
        return {};
    }
    std::string address() const override { return HostNetwork::address_of(1); }
    Result<void> upgrade(UpgradeTimes& times) override
    {
        const Nanoseconds begun = reading(CLOCK_MONOTONIC);
        versions_.turn();
        if (!overlaps_) server_.reset();
        Program started = TRY(start_server(network(), 1, words()));
        server_.reset();
        server_.emplace(std::move(started));
        times["whole"].push_back(reading(CLOCK_MONOTONIC) - begun);
        return {};
    }

  private:
    std::vector<std::string> words() const
    {
        std::vector<std::string> all = words_of_server(versions_, ending_);
        if (overlaps_) all.emplace_back("--reuse-port");
        return all;
    }

    TwoVersions versions_;
    const Ending ending_;
    const bool overlaps_;
    std::optional<Program> server_;
};

class KeepalivedServers final : public UpgradeWay {
  public:
    KeepalivedServers(HostNetwork network, const UpgradeGround& ground)
        : UpgradeWay(std::move(network)), versions_(ground), folder_(ground.folder)
    {
    }

    Result<void> begin()
    {
        give_priority();
        for (const int host : {1, 2}) {
            TRY(start_anew(host));
            std::ofstream(file(host, "keepalived.conf")) << configuration(host);
            TRY(network().within(host, [&]() -> Result<void> {
                Program started =
                    TRY(Program::start({keepalived_of_upgrades, "--dont-fork", "--no-syslog", "--vrrp",
                                        "--use-file", file(host, "keepalived.conf"), "--pid",
                                        file(host, "keepalived.pid"), "--vrrp_pid", file(host, "vrrp.pid")}));
                keepalived_[host].emplace(std::move(started));
                return {};
            }));
        }
        return await_address();
    }
    std::string address() const override
    {
        const std::string text = virtual_address;
        return text.substr(0, text.find('/'));
    }
    Result<void> upgrade(UpgradeTimes& times) override
    {
        const Nanoseconds begun = reading(CLOCK_MONOTONIC);
        versions_.turn();
        TRY(start_anew(3 - serves_));
        serves_ = 3 - serves_;
        give_priority();
        TRY(await_address());
        TRY(start_anew(3 - serves_));
        times["whole"].push_back(reading(CLOCK_MONOTONIC) - begun);
        return {};
    }

  private:
    std::string file(int host, const std::string& name) const
    {
        return fmt::format("{}/{}-{}", folder_, host, name);
    }
    Result<void> start_anew(int host)
    {
        servers_[host].reset();
        Program started = TRY(start_server(network(), host, words_of_server(versions_, Ending::finishes)));
        servers_[host].emplace(std::move(started));
        return {};
    }
    /// The lower one first, so that never both have the higher.
    void give_priority() const
    {
        std::ofstream(file(3 - serves_, "priority")) << "0\n" << std::flush;
        std::ofstream(file(serves_, "priority")) << "20\n" << std::flush;
    }
    Result<void> await_address() const
    {
        return await_of_peer("keepalived does not move the address", [&] {
            return network().has_address(serves_) && !network().has_address(3 - serves_);
        });
    }
    std::string configuration(int host) const
    {
        return fmt::format(
            "global_defs {{\n  vrrp_version 3\n  script_user root\n}}\n"
            "vrrp_track_file priority {{\n  file \"{}\"\n  weight 1\n}}\n"
            "vrrp_instance server {{\n  state BACKUP\n  interface {}\n  virtual_router_id 51\n"
            "  priority {}\n  advert_int 0.1\n  virtual_ipaddress {{\n    {}\n  }}\n"
            "  track_file {{\n    priority\n  }}\n}}\n",
            file(host, "priority"), host_interface, 102 - host, virtual_address);
    }

    TwoVersions versions_;
    const std::string folder_;
    int serves_ = 1;
    std::map<int, std::optional<Program>> servers_, keepalived_;
};

Result<std::unique_ptr<UpgradeWay>> begin_one(const UpgradeGround& ground, Ending ending, bool overlaps)
{
    auto way = std::make_unique<OneServer>(TRY(HostNetwork::make(1)), ground, ending, overlaps);
    TRY(way->begin());
    return way;
}

}  // namespace

Result<std::unique_ptr<UpgradeWay>> begin_restarts(const UpgradeGround& ground, Ending ending)
{
    return begin_one(ground, ending, false);
}

Result<std::unique_ptr<UpgradeWay>> begin_overlaps(const UpgradeGround& ground, Ending ending)
{
    return begin_one(ground, ending, true);
}

Result<std::unique_ptr<UpgradeWay>> begin_keepalived_upgrades(const UpgradeGround& ground)
{
    if (access(keepalived_of_upgrades, X_OK) != 0)
        return fail(ErrorKind::not_found, fmt::format("{} is not there", keepalived_of_upgrades),
                    "apt install keepalived");
    auto way = std::make_unique<KeepalivedServers>(TRY(HostNetwork::make(2)), ground);
    TRY(way->begin());
    return way;
}

}  // namespace belay::bench
