// A pair of web servers on two hosts, whose address moves from one to the other while it is called all the
// time: no request fails, and never two answer.

#include "framework/redundancy/message.h"
#include "host/testing/network.h"
#include "supervisor/testing/callers.h"
#include "supervisor/testing/house.h"

#include <random>

namespace belay::supervisor {
namespace {

using framework::redundancy::HostId;
using framework::supervision::HeldSocket;
using framework::supervision::Pairing;
using host::testing::Network;

constexpr size_t clients_host = 4;
constexpr uint16_t web_port = 8080;

/// Three hosts at one network, of which two have a web server of the pair.
class WebPair {
  public:
    struct Options {
        std::string address = "192.0.2.7/24";
        bool held = true, overlaps = false;
    };
    explicit WebPair(Options options) : options_(std::move(options))
    {
        for (HostId id = 1; id <= 3; ++id) {
            network_.go_to(static_cast<size_t>(id));
            houses_[id] = std::make_unique<House>();
            network_.go_home();
            const Json key = houses_[id]->ask("PairKey", Json::object());
            told_.members.push_back({{"host", id},
                                     {"address", fmt::format("192.0.2.1{}", id)},
                                     {"port", key["port"]},
                                     {"key", key["key"]}});
        }
        told_.members.erase(told_.members.begin());
        for (HostId id = 1; id <= 3; ++id) {
            if (id < 3) houses_[id]->describe({server(id)});
            told_.applications = id < 3 ? std::vector<ApplicationId>{id} : std::vector<ApplicationId>{};
            houses_[id]->ask("Pairs", {{"self", id}, {"pairs", {pair_of(told_)}}});
            if (id < 3) houses_[id]->order({id}, "running");
        }
        await_service(1);
        await_readiness(2);
    }

    const Network& network() const { return network_; }
    House& house(HostId id) { return *houses_[id]; }
    Callers::Options calls() const
    {
        return {.address = options_.address.substr(0, options_.address.find('/')),
                .port = web_port,
                .in_thread = [this] { network_.go_to(clients_host); }};
    }
    Json standing(HostId id) { return houses_[id]->standings()[id]; }
    bool serves(HostId id)
    {
        const Json now = standing(id);
        return now["pair"]["serves"] == true && now["role"] == "primary";
    }
    void await_service(HostId id)
    {
        await([&] { return serves(id); });
    }
    void await_readiness(HostId id)
    {
        await([&] {
            return standing(id)["phase"] == "started" && standing(3 - id)["pair"]["other_ready"] == true;
        });
    }
    /// From the one that serves.
    void switch_over(HostId from)
    {
        await_readiness(3 - from);
        houses_[from]->ask("HandOver", {{"application", from}});
        await_service(3 - from);
    }
    /// The tables of ours that a host has.
    bool has_rules(HostId id) const
    {
        return network_.status_of(static_cast<size_t>(id), "nft list tables | grep -q belay-") == 0;
    }
    void await_no_rules()
    {
        await([&] { return !has_rules(1) && !has_rules(2); });
    }

  private:
    Application server(HostId id) const
    {
        Application one;
        one.id = id;
        one.name = fmt::format("web-{}", id);
        one.command = {"/usr/bin/python3", TEST_WEB_PAIR};
        if (options_.held)
            one.sockets = {HeldSocket{.name = "web", .port = web_port, .nonblocking = true}};
        else
            one.command.insert(one.command.end(), {"--address", "::", "--port", std::to_string(web_port)});
        one.readiness.kind = Question::Kind::notify;
        one.orders.kind = Orders::Kind::pipe;
        one.drain_timeout = 10s;
        one.restart_delay = one.restart_delay_most = 10ms;
        one.nonstop.failures = 1000;
        one.pair = Pairing{.pair = 5,
                           .other = 3 - id,
                           .address = options_.address,
                           .interface = "eth0",
                           .overlaps = options_.overlaps};
        return one;
    }
    void await(const std::function<bool()>& come)
    {
        const auto until = std::chrono::steady_clock::now() + patience;
        while (!come()) {
            if (std::chrono::steady_clock::now() > until)
                FAIL(fmt::format("{}\n{}", standing(1).dump(1), standing(2).dump(1)));
            usleep(1000);
        }
    }

    const Options options_;
    Network network_{clients_host};
    PairAsTold told_;
    std::map<HostId, std::unique_ptr<House>> houses_;
};

/// How often it is tried; more by BELAY_MOVE_ROUNDS.
int rounds_of_moves()
{
    const char* const asked = getenv("BELAY_MOVE_ROUNDS");  // NOLINT(concurrency-mt-unsafe)
    return asked == nullptr ? 6 : std::atoi(asked);
}

void check_moves(const WebPair::Options& options)
{
    if (!Network::is_possible()) {
        MESSAGE("no network of its own: nothing is tried");
        return;
    }
    WebPair pair(options);
    Callers callers(pair.calls());
    HostId serves = 1;
    for (int round = 0; round < rounds_of_moves(); ++round) {
        CAPTURE(round);
        pair.switch_over(serves);
        CHECK(pair.standing(serves)["pair"]["move"] == "passed on");
        serves = 3 - serves;
    }
    const Callers::Counted counted = callers.stop();
    MESSAGE(counted.answers << " answers over " << counted.begun << " connections, " << counted.failed
                            << " failed, the longest took " << counted.longest.count() << " ms");
    CHECK(counted.failed == 0);
    CHECK(counted.first_problem == "");
    if (!options.overlaps) CHECK(counted.out_of_turn == 0);
    CHECK(counted.answers > 100);
    pair.await_no_rules();
}

TEST_CASE("moves: nobody who calls a pair notices that the other serves from now on")
{
    check_moves({});
}

TEST_CASE("moves: nor where its address is of IPv6")
{
    check_moves({.address = "2001:db8::7/64"});
}

}  // namespace
}  // namespace belay::supervisor
