// A pair of web servers on two hosts, whose address moves from one to the other while it is called all the
// time: no request fails, and never two answer.

#include "framework/redundancy/message.h"
#include "host/application/connections.h"
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

Application web_server(ApplicationId id, std::vector<HeldSocket> sockets)
{
    Application one;
    one.id = id;
    one.name = fmt::format("web-{}", id);
    one.command = {"/usr/bin/python3", TEST_WEB_PAIR};
    one.sockets = std::move(sockets);
    one.readiness.kind = Question::Kind::notify;
    one.orders.kind = Orders::Kind::pipe;
    one.drain_timeout = 10s;
    one.restart_delay = one.restart_delay_most = 10ms;
    one.nonstop.failures = 1000;
    return one;
}

/// Three hosts at one network, of which two have a web server of the pair.
class WebPair {
  public:
    struct Options {
        std::string address = "192.0.2.7/24";
        bool held = true, overlaps = false, cold = false;
        std::chrono::milliseconds drain_timeout = 10s;
        bool has_own_addresses = true;  ///< of the same family as the one of the pair
        std::string backup_fails = {};  ///< $WEB_PAIR_FAILS of the second
    };
    explicit WebPair(Options options) : options_(std::move(options))
    {
        for (HostId id = 1; id <= 3; ++id) {
            if (!options_.has_own_addresses)
                network_.run(static_cast<size_t>(id), fmt::format("ip addr del 192.0.2.1{}/24 dev eth0", id));
            network_.go_to(static_cast<size_t>(id));
            houses_[id] = std::make_unique<House>();
            network_.go_home();
            const Json key = houses_[id]->ask("PairKey", Json::object());
            told_.members.push_back({{"host", id},
                                     {"address", fmt::format("2001:db8::1{}", id)},
                                     {"port", key["port"]},
                                     {"key", key["key"]}});
        }
        told_.members.erase(told_.members.begin());
        told_.cold = options_.cold;
        told_.lease = 3s;  // who serves changes here where somebody wants it, and not where a machine stalls
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
            const Json phase = standing(id)["phase"];
            return phase == (options_.cold ? "standby" : "started") &&
                   standing(3 - id)["pair"]["other_ready"] == true;
        });
    }
    /// From the one that serves.
    void switch_over(HostId from)
    {
        await_readiness(3 - from);
        houses_[from]->ask("HandOver", {{"application", from}});
        await_service(3 - from);
    }
    /// Those who wait for it may come.
    std::string way(HostId gave) { return standing(gave)["pair"]["move"]; }
    /// The tables of ours that a host has.
    bool has_rules(HostId id) const
    {
        return network_.status_of(static_cast<size_t>(id), "nft list tables | grep -q belay-") == 0;
    }
    void await_no_rules()
    {
        await([&] { return !has_rules(1) && !has_rules(2); });
    }
    /// Somebody is connected to the address there.
    void await_connection(HostId id)
    {
        await([&] { return open_at(id) > 0; });
    }
    /// Connections to the address there that were taken.
    size_t open_at(HostId id) const
    {
        size_t open = 0;
        network_.on(static_cast<size_t>(id), [&] {
            const auto connections = host::connections_at(calls().address);
            open = connections ? connections->open - connections->untaken : 0;
        });
        return open;
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

  private:
    Application server(HostId id) const
    {
        Application one = web_server(id, {});
        if (options_.held)
            one.sockets = {HeldSocket{.name = "web", .port = web_port, .nonblocking = true}};
        else
            one.command.insert(one.command.end(), {"--port", std::to_string(web_port)});
        one.drain_timeout = options_.drain_timeout;
        if (id == 2) one.environment = {{"WEB_PAIR_FAILS", options_.backup_fails}};
        one.pair = Pairing{.pair = 5,
                           .other = 3 - id,
                           .is_cold = options_.cold,
                           .address = options_.address,
                           .interface = "eth0",
                           .overlaps = options_.overlaps};
        return one;
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

void check_moves(const WebPair::Options& options, const std::string& way)
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
        CHECK(pair.way(serves) == way);
        serves = 3 - serves;
    }
    const Callers::Counted counted = callers.stop();
    MESSAGE(counted.answers << " answers over " << counted.begun << " connections, " << counted.failed
                            << " failed, the longest took " << counted.longest.count() << " ms");
    CHECK(counted.failed == 0);
    CHECK(counted.first_problem == "");
    if (!options.overlaps) CHECK(counted.out_of_turn == 0);
    CHECK(counted.answers > 20);
    pair.await_no_rules();
}

TEST_CASE("moves: nobody who calls a pair notices that the other serves from now on")
{
    check_moves({}, "callers were passed on");
}

TEST_CASE("moves: nor where its address is of IPv6")
{
    check_moves({.address = "2001:db8::7/64"}, "callers were passed on");
}

TEST_CASE("moves: nor where the servers listen by themselves, but for some who wait a second")
{
    check_moves({.held = false}, "callers were passed on");
}

TEST_CASE("moves: nor where the other is started for it, but for all who wait a second")
{
    check_moves({.cold = true}, "callers were passed on");
}

TEST_CASE("moves: nor where nothing can be passed on, but for some who wait a second")
{
    check_moves({.has_own_addresses = false},
                "callers were held back: the hosts have no addresses of one network at eth0");
}

TEST_CASE(
    "moves: one that is stopped, started anew or whose supervisor is renewed hands over, and no call fails")
{
    if (!Network::is_possible()) return;
    WebPair pair({});
    Callers callers(pair.calls());
    pair.house(1).order({1}, "stopped");
    pair.await_service(2);
    pair.house(1).await_phase(1, "stopped");
    pair.house(1).order({1}, "running");
    pair.await_readiness(1);
    const pid_t before = pair.standing(2)["pid"];
    pair.house(2).order({2}, "running", true);
    pair.await_service(1);
    pair.house(2).await([&](auto& now) { return now[2]["pid"] != before && now[2]["phase"] == "started"; });
    pair.await_readiness(2);
    for (const HostId renewed : {1, 2}) {
        pair.house(1).ask("HandOver", {{"application", 1}});
        pair.house(renewed).ask("Renew", Json::object());
        pair.house(renewed).reconnect();
        pair.await_service(2);
        pair.switch_over(2);
        pair.await_readiness(2);
    }
    const Callers::Counted counted = callers.stop();
    MESSAGE(counted.answers << " answers, " << counted.failed << " failed, the longest took "
                            << counted.longest.count() << " ms");
    CHECK(counted.failed == 0);
    CHECK(counted.first_problem == "");
    CHECK(counted.out_of_turn == 0);
    pair.await_no_rules();
}

TEST_CASE("moves: where they may overlap, the other serves while a long answer is still on its way")
{
    if (!Network::is_possible()) return;
    check_moves({.overlaps = true}, "callers were passed on");
    WebPair pair({.overlaps = true});
    std::string slow;
    std::thread waits([&] {
        pair.network().go_to(clients_host);
        slow = answer_to("192.0.2.7", web_port, "/wait/6000");
    });
    // It is on its way.
    pair.await_connection(1);
    const auto begun = std::chrono::steady_clock::now();
    pair.switch_over(1);
    CHECK(std::chrono::steady_clock::now() - begun < 6s);
    std::string quick;
    pair.network().on(clients_host, [&] { quick = answer_to("192.0.2.7", web_port, "/"); });
    CHECK(quick.contains("role primary"));
    waits.join();
    CHECK(slow.contains("role backup"));
    pair.await_no_rules();
}

TEST_CASE("moves: one that takes longer than it may to finish is not waited for")
{
    if (!Network::is_possible()) return;
    WebPair pair({.drain_timeout = 500ms});
    const auto begun = std::chrono::steady_clock::now();
    std::string slow;
    std::thread waits([&] {
        pair.network().go_to(clients_host);
        slow = answer_to("192.0.2.7", web_port, "/wait/20000");
    });
    pair.await_connection(1);
    pair.switch_over(1);
    waits.join();
    CHECK_FALSE(slow.contains("role"));
    // Its caller was told.
    CHECK(std::chrono::steady_clock::now() - begun < unheard);
    pair.await_no_rules();
}

TEST_CASE("moves: the one that serves goes on where the other ends in the middle of it")
{
    if (!Network::is_possible()) return;
    WebPair pair({});
    std::string slow;
    std::thread waits([&] {
        pair.network().go_to(clients_host);
        slow = answer_to("192.0.2.7", web_port, "/wait/6000");
    });
    pair.await_connection(1);
    const pid_t other = pair.standing(2)["pid"];
    pair.house(1).ask("HandOver", {{"application", 1}});
    pair.await([&] { return pair.has_rules(1) && pair.has_rules(2); });
    kill(other, SIGKILL);
    pair.await([&] { return !pair.has_rules(1) && pair.serves(1); });
    pair.await([&] {
        std::string text;
        pair.network().on(clients_host, [&] { text = answer_to("192.0.2.7", web_port, "/"); });
        return text.contains("primary");
    });
    waits.join();
    CHECK(slow.contains("role primary"));
    pair.await_no_rules();
    // And later it goes as it should.
    pair.switch_over(1);
}

TEST_CASE("moves: those who wait for one that dies when it is to serve learn it at once")
{
    if (!Network::is_possible()) return;
    WebPair pair({.backup_fails = "primary"});
    const uint64_t before = pair.standing(1)["pair"]["token"];
    Callers callers(pair.calls());
    pair.house(1).ask("HandOver", {{"application", 1}});
    pair.await([&] { return pair.standing(1)["pair"]["token"] > before && pair.serves(1); });
    const Callers::Counted counted = callers.stop();
    MESSAGE(counted.answers << " answers, " << counted.failed << " failed, the longest took "
                            << counted.longest.count() << " ms");
    CHECK(counted.failed > 0);
    CHECK(counted.longest < unheard);
    CHECK(counted.out_of_turn == 0);
}

TEST_CASE(
    "moves: nothing is left of what was open to one that was killed, or the next move would wait for it")
{
    if (!Network::is_possible()) return;
    WebPair pair({});
    Callers callers(pair.calls());
    pair.await_connection(1);
    // So that nobody acknowledges its end.
    pair.network().run(
        1, fmt::format("nft 'add table inet deaf; add chain inet deaf arrives {{ type filter hook input "
                       "priority 0; }}; add rule inet deaf arrives tcp dport {} drop'",
                       web_port));
    kill(pair.standing(1)["pid"], SIGKILL);
    pair.await_service(2);
    pair.await([&] { return pair.open_at(1) == 0; });
    pair.network().run(1, "nft delete table inet deaf");
    for (const HostId from : {2, 1}) pair.switch_over(from);
    const Callers::Counted counted = callers.stop();
    CHECK(counted.longest < unheard);
    CHECK(counted.out_of_turn == 0);
}

TEST_CASE("moves: supervisors are killed in the middle of it: never two serve, and nothing is left behind")
{
    if (!Network::is_possible()) return;
    WebPair pair({});
    Callers callers(pair.calls());
    std::mt19937 dice(5);
    HostId serves = 1;
    for (int round = 0; round < rounds_of_moves(); ++round) {
        CAPTURE(round);
        pair.await_readiness(3 - serves);
        // What was begun before may have come to its end meanwhile.
        static_cast<void>(
            pair.house(serves).client().call("HandOver", {{"application", serves}}).has_value());
        usleep(static_cast<useconds_t>(dice() % 60'000));
        const HostId killed = dice() % 2 == 0 ? serves : 3 - serves;
        const pid_t supervisor = pair.house(killed).supervisor();
        kill(supervisor, SIGKILL);
        pair.house(killed).reconnect([&](pid_t pid) { return pid != supervisor; });
        pair.await([&] { return pair.serves(1) || pair.serves(2); });
        serves = pair.serves(1) ? 1 : 2;
    }
    const Callers::Counted counted = callers.stop();
    MESSAGE(counted.answers << " answers, " << counted.failed << " failed, the longest took "
                            << counted.longest.count() << " ms; " << counted.first_problem);
    CHECK(counted.out_of_turn == 0);
    pair.await_no_rules();
    pair.await([&] { return pair.serves(1) || pair.serves(2); });
}

/// Web servers on one host that have one port together.
class OneHost {
  public:
    OneHost()
    {
        std::vector<Application> both;
        for (const ApplicationId id : {1, 2}) {
            Application one = web_server(
                id, {HeldSocket{.name = "web", .address = "127.0.0.1", .port = port, .nonblocking = true}});
            one.pair = Pairing{.pair = 5, .other = 3 - id};
            both.push_back(std::move(one));
        }
        house.describe(both);
        house.ask("Pairs", {{"self", 1}, {"pairs", {pair_of({.applications = {1, 2}})}}});
        house.order({1, 2}, "running");
        await_service(1);
    }

    void await_service(ApplicationId id)
    {
        house.await([&](auto& now) {
            return now[id]["pair"]["serves"] == true && now[id]["pair"]["other_ready"] == true;
        });
    }

    const uint16_t port = free_port();
    House house;
};

TEST_CASE("moves: on one host callers wait at the port that both have")
{
    OneHost one;
    Callers callers({.address = "127.0.0.1", .port = one.port});
    ApplicationId serves = 1;
    for (int round = 0; round < rounds_of_moves(); ++round) {
        one.house.ask("HandOver", {{"application", serves}});
        serves = 3 - serves;
        one.await_service(serves);
    }
    // One that is started anew hands over before, and so does one that is stopped.
    one.house.order({serves}, "stopped");
    one.house.await_phase(serves, "stopped");
    serves = 3 - serves;
    const Callers::Counted counted = callers.stop();
    MESSAGE(counted.answers << " answers, " << counted.failed << " failed, the longest took "
                            << counted.longest.count() << " ms");
    CHECK(counted.failed == 0);
    CHECK(counted.first_problem == "");
    CHECK(counted.out_of_turn == 0);
}

TEST_CASE("moves: one alone that is restarted finishes what it has, and callers wait at its port")
{
    House house;
    const uint16_t port = free_port();
    Application one =
        web_server(1, {HeldSocket{.name = "web", .address = "127.0.0.1", .port = port, .nonblocking = true}});
    house.describe({one});
    house.order({1}, "running");
    pid_t before = house.await_phase(1, "started")["pid"];
    Callers callers({.address = "127.0.0.1", .port = port});
    for (int round = 0; round < rounds_of_moves(); ++round) {
        house.order({1}, "running", true);
        const Json now = house.await(
            [&](auto& all) { return all[1]["pid"] != before && all[1]["phase"] == "started"; })[1];
        before = now["pid"];
    }
    const Callers::Counted counted = callers.stop();
    MESSAGE(counted.answers << " answers, " << counted.failed << " failed, the longest took "
                            << counted.longest.count() << " ms");
    CHECK(counted.failed == 0);
    CHECK(counted.first_problem == "");
}

}  // namespace
}  // namespace belay::supervisor
