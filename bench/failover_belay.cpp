// A pair that Belay keeps: three hosts, each with its supervisor, told what a controller would tell them.

#include "failover_pairs.h"
#include "framework/supervision/application.h"
#include "site/client.h"
#include "supervision_processes.h"

#include <csignal>
#include <filesystem>
#include <fmt/format.h>
#include <map>
#include <unistd.h>

namespace belay::bench {
namespace {

using framework::supervision::Application;
using framework::supervision::Orders;
using framework::supervision::Pairing;
using framework::supervision::Question;

constexpr int belay_hosts = 3;
constexpr int64_t only_pair = 1;
constexpr uint16_t pair_port = 7434;
constexpr int default_lease_ms = 150;
constexpr auto belay_patience = std::chrono::seconds(60);
constexpr auto belay_is_asked_every = std::chrono::milliseconds(5);

struct BelayHost {
    std::unique_ptr<site::Client> client = {};
    std::string key = {};
    pid_t supervisor = 0;
};

bool has_server(int host)
{
    return host != belay_hosts;
}

class BelayPair final : public MeasuredPair {
  public:
    BelayPair(HostNetwork network, const PairGround& ground)
        : MeasuredPair(std::move(network), ground.folder, Serving::primary)
    {
        programs_ = ground.programs;
        act_every_ = ground.act_every;
    }
    /// The applications are forgotten first, so that no control group of theirs stays.
    ~BelayPair() override
    {
        for (const auto& [number, host] : hosts_) {
            if (host.client)
                static_cast<void>(
                    host.client->call("Describe", {{"applications", Json::array()}, {"whole", true}})
                        .has_value());
        }
        for (const auto& [number, host] : hosts_) {
            if (!host.client) continue;
            const auto is_empty = [&] {
                const auto left = host.client->call("Standings", Json::object());
                return !left || left->at("applications").empty();
            };
            const Nanoseconds until = reading(CLOCK_MONOTONIC) + belay_patience;
            while (!is_empty() && reading(CLOCK_MONOTONIC) < until) rest();
            const pid_t guard = process_parent(host.supervisor);
            kill(host.supervisor, SIGTERM);
            await_end(guard);
        }
    }
    BelayPair(const BelayPair&) = delete;
    BelayPair& operator=(const BelayPair&) = delete;

    Result<void> begin()
    {
        for (int host = 1; host <= belay_hosts; ++host) TRY(start_supervisor(host));
        for (int host = 1; host <= belay_hosts; ++host) TRY(tell(host));
        return {};
    }

    Result<int> settle() override
    {
        const Nanoseconds until = reading(CLOCK_MONOTONIC) + belay_patience;
        Json one, other;
        while (reading(CLOCK_MONOTONIC) < until) {
            one = TRY(standing(1));
            other = TRY(standing(2));
            if (serves(one) && stands_by(other)) return 1;
            if (serves(other) && stands_by(one)) return 2;
            rest();
        }
        return fail(ErrorKind::timeout,
                    fmt::format("Belay's pair does not come to rest: {} {}", one.dump(), other.dump()));
    }
    pid_t server(int host) override
    {
        const auto now = has_server(host) ? standing(host) : Result<Json>(Json::object());
        return now ? now->value("pid", pid_t{0}) : 0;
    }
    Result<void> switch_over(int from) override
    {
        TRY(hosts_[from].client->call("HandOver", {{"application", from}}));
        return {};
    }
    Result<void> mend(int host) override
    {
        if (hosts_[host].supervisor != 0) return {};
        TRY(start_supervisor(host));
        return tell(host);
    }
    std::set<pid_t> keepers(int host) override
    {
        std::set<pid_t> all = family_of(process_parent(hosts_[host].supervisor));
        all.erase(server(host));
        return all;
    }
    int hosts() const override { return belay_hosts; }

  private:
    static void rest() { usleep(std::chrono::microseconds(belay_is_asked_every).count()); }
    static bool serves(const Json& standing)
    {
        return standing["phase"] == "started" && standing["role"] == "primary" &&
               standing["pair"]["held"] == true && standing["pair"]["other_ready"] == true;
    }
    static bool stands_by(const Json& standing)
    {
        return standing["phase"] == "started" && standing["role"] == "backup";
    }

    Result<Json> standing(int host)
    {
        const Json all = TRY(hosts_[host].client->call("Standings", Json::object()));
        const Json& applications = all.at("applications");
        return applications.empty() ? Json::object() : applications.front();
    }

    void forget(int host) override
    {
        hosts_[host].client.reset();
        hosts_[host].supervisor = 0;
        // A host that has no power forgets what is in /run.
        std::error_code ignored;
        std::filesystem::remove_all(folder_of(host) + "/run", ignored);
    }

    Result<void> start_supervisor(int host)
    {
        BelayHost& at = hosts_[host];
        TRY(network().within(host, [&]() -> Result<void> {
            at.client = TRY(site::connect({.socket = folder_of(host) + "/run/supervisor.sock",
                                           .state_folder = folder_of(host) + "/state",
                                           .daemon = programs_ + "/belay-supervisor"}));
            return {};
        }));
        const Json hello = TRY(at.client->call("Hello", Json::object()));
        at.supervisor = hello.at("pid").get<pid_t>();
        const Json key = TRY(at.client->call("PairKey", Json::object()));
        at.key = key.at("key").get<std::string>();
        return {};
    }

    Result<void> tell(int host)
    {
        site::Client& client = *hosts_[host].client;
        if (has_server(host)) {
            const std::vector<Application> applications = {application(host)};
            TRY(client.call("Describe", {{"applications", applications}, {"whole", true}}));
        }
        TRY(client.call("Pairs", {{"self", host}, {"pairs", {pair_at(host)}}}));
        if (has_server(host)) TRY(client.call("Order", {{"applications", {host}}, {"want", "running"}}));
        return {};
    }

    Application application(int host) const
    {
        Application one;
        one.id = host;
        one.name = fmt::format("server-{}", host);
        one.command = server_words(host);
        one.readiness.kind = Question::Kind::notify;
        one.orders.kind = Orders::Kind::pipe;
        // It is killed more often than one would want to ride out, or to wait for longer each time.
        one.nonstop.failures = 100'000;
        one.restart_delay_most = one.restart_delay;
        one.pair = Pairing{
            .pair = only_pair, .other = 3 - host, .address = virtual_address, .interface = host_interface};
        return one;
    }

    Json pair_at(int host) const
    {
        Json members = Json::array();
        for (const auto& [number, member] : hosts_) {
            members.push_back({{"host", number},
                               {"address", HostNetwork::address_of(number)},
                               {"port", pair_port},
                               {"key", member.key}});
        }
        return {{"pair", only_pair},
                {"name", "server"},
                {"epoch", 1},
                {"lease_ms", default_lease_ms},
                {"automatic", true},
                {"returns", false},
                {"cold", false},
                {"preferred", 1},
                {"other", 2},
                {"own", has_server(host) ? Json::array({host}) : Json::array()},
                {"members", std::move(members)}};
    }

    std::map<int, BelayHost> hosts_;
};

}  // namespace

Result<std::unique_ptr<MeasuredPair>> begin_belay(const PairGround& ground)
{
    HostNetwork network = TRY(HostNetwork::make(belay_hosts));
    for (int host = 1; host <= belay_hosts; ++host) {
        for (const char* const each : {"run", "state"})
            std::filesystem::create_directories(fmt::format("{}/host-{}/{}", ground.folder, host, each));
    }
    auto pair = std::make_unique<BelayPair>(std::move(network), ground);
    TRY(pair->begin());
    return pair;
}

}  // namespace belay::bench
