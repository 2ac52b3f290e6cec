// Pairs, with three supervisors as three hosts: who serves, and that it is never two.

#include "framework/redundancy/message.h"
#include "supervisor/testing/house.h"

#include <fcntl.h>
#include <ifaddrs.h>
#include <random>
#include <sched.h>

namespace belay::supervisor {
namespace {

using framework::redundancy::HostId;
using framework::supervision::Pairing;

constexpr HostId witness = 3;

/// Three hosts, of which two have an application of the pair.
class Trio {
  public:
    explicit Trio(PairAsTold told = {}) : told_(std::move(told))
    {
        for (HostId id = 1; id <= 3; ++id) {
            houses_[id] = std::make_unique<House>();
            const Json key = houses_[id]->ask("PairKey", Json::object());
            members_.push_back(
                {{"host", id}, {"address", "127.0.0.1"}, {"port", key["port"]}, {"key", key["key"]}});
        }
        for (HostId id = 1; id <= 2; ++id) {
            House& house = *houses_[id];
            Application one = house.stand_in(id, fmt::format("server-{}", id), words_);
            one.command[4] = trace();
            one.orders.kind = Orders::Kind::pipe;
            one.restart_delay = one.restart_delay_most = 10ms;
            one.nonstop.failures = 1000;
            one.pair = Pairing{.pair = 5, .other = 3 - id, .is_cold = told_.cold};
            if (!told_.address.empty()) {
                one.pair->address = told_.address;
                one.pair->interface = fmt::format("ether{}", id);
            }
            house.describe({one});
        }
        tell();
    }

    House& house(HostId id) { return *houses_[id]; }
    std::string trace() const { return houses_.at(1)->path("trace"); }
    void tell()
    {
        told_.members = members_;
        for (HostId id = 1; id <= 3; ++id) {
            told_.applications =
                id == witness ? std::vector<ApplicationId>{} : std::vector<ApplicationId>{id};
            houses_[id]->ask("Pairs", {{"self", id}, {"pairs", {pair_of(told_)}}});
        }
    }
    /// As if the network between them were not there.
    void cut(HostId id)
    {
        PairAsTold alone = told_;
        for (Json& member : alone.members) {
            if (member["host"] != id) member["port"] = 9;
        }
        alone.applications = {id};
        houses_[id]->ask("Pairs", {{"self", id}, {"pairs", {pair_of(alone)}}});
    }
    void run(std::initializer_list<HostId> hosts = {1, 2})
    {
        for (const HostId id : hosts) houses_[id]->order({id}, "running");
    }
    Json standing(HostId id) { return houses_[id]->standings()[id]; }
    bool serves(HostId id)
    {
        const Json now = standing(id);
        return now["pair"]["held"] == true && now["role"] == "primary" && now["phase"] == "started";
    }
    void await_service(HostId id)
    {
        const auto until = std::chrono::steady_clock::now() + patience;
        while (!serves(id)) {
            if (std::chrono::steady_clock::now() > until)
                FAIL(fmt::format("{}\n{}", standing(1).dump(1), standing(2).dump(1)));
            usleep(1000);
        }
    }
    /// The one that serves, when one does.
    HostId await_any()
    {
        const auto until = std::chrono::steady_clock::now() + patience;
        while (true) {
            for (HostId id = 1; id <= 2; ++id) {
                if (serves(id)) return id;
            }
            if (std::chrono::steady_clock::now() > until)
                FAIL(fmt::format("{}\n{}", standing(1).dump(1), standing(2).dump(1)));
            usleep(1000);
        }
    }
    pid_t pid(HostId id) { return standing(id)["pid"]; }

    struct Counted {
        size_t acts = 0, changes = 0;
        size_t two = 0;  ///< acts between two of another
        std::chrono::nanoseconds longest{0};
    };
    /// How they have acted: those of one lease come all before those of the next.
    Counted count() const
    {
        std::vector<Happened> acts = houses_.at(1)->happened();
        std::erase_if(acts, [](const Happened& one) { return !one.what.starts_with("acts"); });
        std::ranges::stable_sort(acts, {}, &Happened::at);
        Counted counted{.acts = acts.size()};
        uint64_t highest = 0;
        for (size_t i = 0; i < acts.size(); ++i) {
            const uint64_t token = std::stoull(acts[i].what.substr(5));
            if (token < highest) ++counted.two;
            if (i > 0 && acts[i].name != acts[i - 1].name) ++counted.changes;
            if (i > 0)
                counted.longest =
                    std::max(counted.longest, std::chrono::nanoseconds(acts[i].at - acts[i - 1].at));
            highest = std::max(highest, token);
        }
        return counted;
    }

  private:
    PairAsTold told_;
    std::vector<std::string> words_ = {"--act-every", "1", "--heartbeat", "100"};
    std::vector<Json> members_;
    std::map<HostId, std::unique_ptr<House>> houses_;
};

TEST_CASE("pairs: the preferred one serves, the other stands by, and takes over when that one ends")
{
    Trio trio;
    trio.run();
    trio.await_service(1);
    const Json other = trio.house(2).await_phase(2, "started");
    CHECK(other["role"] == "backup");
    trio.house(1).await([](auto& now) { return now[1]["pair"]["other_ready"] == true; });
    const pid_t first = trio.pid(1);
    kill(first, SIGKILL);
    trio.await_service(2);
    // The one that has failed comes again, and stands by.
    trio.house(1).await([&](auto& now) {
        return now[1]["phase"] == "started" && now[1]["pid"] != first && now[1]["role"] == "backup";
    });
    usleep(100'000);
    CHECK(trio.serves(2));
    // By a person's word, and back.
    const pid_t second = trio.pid(2);
    trio.house(2).await([](auto& now) { return now[2]["pair"]["other_ready"] == true; });
    trio.house(2).ask("HandOver", {{"application", 2}});
    trio.await_service(1);
    CHECK(trio.pid(2) == second);
    CHECK(trio.house(1).client().call("HandOver", {{"application", 1}}).has_value());
    trio.await_service(2);
    // Who is stopped hands over before.
    trio.house(2).await([](auto& now) { return now[2]["pair"]["other_ready"] == true; });
    trio.house(2).order({2}, "stopped");
    trio.await_service(1);
    trio.house(2).await_phase(2, "stopped");
    const auto refused = trio.house(1).client().call("HandOver", {{"application", 1}});
    CHECK(refused.error().what == "the other application of the pair is not ready to serve");
    const Trio::Counted counted = trio.count();
    CHECK(counted.two == 0);
    CHECK(counted.changes >= 2);
}

TEST_CASE("pairs: one whose host is cut off is ended before the other serves, and stands by afterwards")
{
    Trio trio;
    trio.run();
    trio.await_service(1);
    trio.house(2).await_phase(2, "started");
    const pid_t first = trio.pid(1);
    trio.cut(1);
    trio.await_service(2);
    const Json ended = trio.house(1).await([&](auto& now) { return now[1]["pid"] != first; })[1];
    CHECK(ended["last"] == "signal 9 (Killed)");
    trio.tell();
    trio.house(1).await([&](auto& now) { return now[1]["phase"] == "started"; });
    usleep(500'000);
    CHECK(trio.serves(2));
    CHECK_FALSE(trio.serves(1));
    CHECK(trio.count().two == 0);
}

TEST_CASE("pairs: one of which nothing is heard any more is not said to be ready")
{
    Trio trio;
    trio.run();
    trio.await_service(1);
    trio.house(1).await([](auto& now) { return now[1]["pair"]["other_ready"] == true; });
    trio.cut(2);
    trio.house(1).await([](auto& now) { return now[1]["pair"]["other_ready"] == false; });
    CHECK(trio.house(1).client().call("HandOver", {{"application", 1}}).error().kind == ErrorKind::refused);
    CHECK(trio.serves(1));
}

TEST_CASE("pairs: a supervisor that is frozen, killed or renewed")
{
    Trio trio;
    trio.run();
    trio.await_service(1);
    trio.house(2).await_phase(2, "started");
    const pid_t served_by = trio.pid(1);

    SUBCASE("frozen: the guard ends what it no longer has a lease for")
    {
        const pid_t supervisor = trio.house(1).supervisor();
        kill(supervisor, SIGSTOP);
        trio.await_service(2);
        CHECK(House::is_gone(served_by));
        kill(supervisor, SIGCONT);
        trio.house(1).await(
            [&](auto& now) { return now[1]["phase"] == "started" && now[1]["role"] == "backup"; });
        CHECK(trio.serves(2));
    }
    SUBCASE("killed: the next one takes up the lease, and the application goes on")
    {
        const pid_t supervisor = trio.house(1).supervisor();
        kill(supervisor, SIGKILL);
        trio.house(1).reconnect([&](pid_t pid) { return pid != supervisor; });
        trio.await_service(1);
        CHECK(trio.pid(1) == served_by);
        CHECK(count_of(trio.house(1).happened(), "server-1", "role backup") == 1);  // at its start
    }
    SUBCASE("renewed")
    {
        trio.house(1).ask("Renew", Json::object());
        trio.house(1).reconnect();
        trio.await_service(1);
        CHECK(trio.pid(1) == served_by);
    }
    CHECK(trio.count().two == 0);
}

TEST_CASE("pairs: one that was stopped while it served begins anew as one that stands by")
{
    Trio trio;
    trio.run();
    trio.await_service(1);
    // The other first: then there is nobody to hand over to.
    for (const HostId id : {HostId{2}, HostId{1}}) {
        trio.house(id).order({id}, "stopped");
        trio.house(id).await_phase(id, "stopped");
    }
    CHECK(trio.standing(1)["role"] == "backup");
    trio.run({2});
    trio.await_service(2);
    trio.run({1});
    trio.house(1).await_phase(1, "started");
    CHECK(trio.standing(1)["role"] == "backup");
    CHECK(trio.serves(2));
    std::string told;
    for (const Happened& one : trio.house(1).happened()) {
        if (one.name == "server-1" && one.what.starts_with("role")) told = one.what;
    }
    CHECK(told == "role backup");
    CHECK(trio.count().two == 0);
}

TEST_CASE("pairs: a cold one is started when it is to serve, and not before")
{
    Trio trio({.cold = true});
    trio.run();
    trio.await_service(1);
    usleep(300'000);
    CHECK(trio.standing(2)["phase"] == "standby");
    CHECK(trio.standing(2)["want"] == "running");
    trio.house(1).ask("HandOver", {{"application", 1}});
    trio.await_service(2);
    trio.house(1).await_phase(1, "standby");
    // What crashes comes again where it was.
    kill(trio.pid(2), SIGKILL);
    trio.house(2).await([](auto& now) { return now[2]["restarts"] == 1; });
    trio.await_service(2);
    trio.cut(2);
    trio.await_service(1);
    CHECK(trio.count().two == 0);
}

TEST_CASE("pairs: where a person decides, nothing takes over by itself")
{
    Trio trio({.automatic = false});
    trio.run();
    trio.await_service(1);
    trio.house(2).await_phase(2, "started");
    trio.cut(1);
    trio.house(1).await([](auto& now) { return now[1]["pair"]["held"] == false; });
    usleep(1'000'000);
    CHECK_FALSE(trio.serves(2));
    trio.house(2).ask("TakeOver", {{"application", 2}});
    trio.await_service(2);
    CHECK(trio.count().two == 0);
}

TEST_CASE("pairs: where it is to return, the preferred one serves again when it has been well for a while")
{
    Trio trio({.returns = true});
    trio.run();
    trio.await_service(1);
    trio.house(2).await_phase(2, "started");
    kill(trio.pid(1), SIGKILL);
    trio.await_service(2);
    const pid_t second = trio.pid(2);
    trio.house(1).await([](auto& now) { return now[1]["phase"] == "started" && now[1]["role"] == "backup"; });
    const auto well_since = std::chrono::steady_clock::now();
    trio.await_service(1);
    // Not at once: what has just failed may fail again.
    CHECK(std::chrono::steady_clock::now() - well_since > 8s);
    trio.house(2).await([](auto& now) { return now[2]["role"] == "backup"; });
    CHECK(trio.pid(2) == second);
    CHECK(trio.count().two == 0);
}

/// The addresses of an interface, as "192.0.2.7 fe80::1 ".
std::string addresses_of(const std::string& interface)
{
    ifaddrs* all = nullptr;
    REQUIRE(getifaddrs(&all) == 0);
    std::string text;
    for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
        if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET || one->ifa_name != interface)
            continue;
        std::array<char, INET_ADDRSTRLEN> number{};
        inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(one->ifa_addr)->sin_addr, number.data(),
                  number.size());
        text += std::string(number.data()) + " ";
    }
    freeifaddrs(all);
    return text;
}

/// Goes over to it, until it has served and its interface alone has the address.
void check_address(Trio& trio, HostId serves)
{
    trio.await_service(serves);
    const std::string own = fmt::format("ether{}", serves);
    const std::string other = fmt::format("ether{}", 3 - serves);
    const auto until = std::chrono::steady_clock::now() + patience;
    while (addresses_of(own) != "192.0.2.7 " || !addresses_of(other).empty()) {
        if (std::chrono::steady_clock::now() > until)
            FAIL(fmt::format("{}: {}, {}: {}", own, addresses_of(own), other, addresses_of(other)));
        usleep(1000);
    }
}

TEST_CASE("pairs: their address is with the one that serves, wherever it goes")
{
    const host::Descriptor ours(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0) {
        MESSAGE("no network of its own: nothing is tried");
        return;
    }
    for (const char* command : {"ip link set lo up", "ip link add ether1 type veth peer name ether2",
                                "ip link set ether1 up", "ip link set ether2 up"})
        REQUIRE(std::system(command) == 0);  // NOLINT(concurrency-mt-unsafe,cert-env33-c)
    {
        Trio trio({.address = "192.0.2.7/24"});
        trio.run();
        check_address(trio, 1);
        trio.house(2).await_phase(2, "started");
        trio.house(1).await([](auto& now) { return now[1]["pair"]["other_ready"] == true; });
        SUBCASE("the application is killed")
        {
            kill(trio.pid(1), SIGKILL);
            check_address(trio, 2);
        }
        SUBCASE("a person lets the other serve, and the first again")
        {
            trio.house(1).ask("HandOver", {{"application", 1}});
            check_address(trio, 2);
            trio.house(2).await([](auto& now) { return now[2]["pair"]["other_ready"] == true; });
            trio.house(2).ask("HandOver", {{"application", 2}});
            check_address(trio, 1);
        }
        SUBCASE("its host is cut off")
        {
            trio.cut(1);
            check_address(trio, 2);
            trio.tell();
        }
        SUBCASE("nobody is left on its host who could give it up")
        {
            const pid_t supervisor = trio.house(1).supervisor();
            const pid_t guard = House::parent_of(supervisor);
            const pid_t application = trio.pid(1);
            for (const pid_t pid : {guard, supervisor, application}) kill(pid, SIGSTOP);
            check_address(trio, 2);
            for (const pid_t pid : {application, supervisor, guard}) kill(pid, SIGCONT);
        }
        CHECK(trio.count().two == 0);
    }
    REQUIRE(setns(ours.number(), CLONE_NEWNET) == 0);
}

/// How often it is tried; more by BELAY_PAIR_ROUNDS.
int rounds()
{
    const char* const asked = getenv("BELAY_PAIR_ROUNDS");  // NOLINT(concurrency-mt-unsafe)
    return asked == nullptr ? 30 : std::atoi(asked);
}

TEST_CASE("pairs: whatever is frozen, killed and cut off, it is never two that act")
{
    Trio trio({.lease = 150ms});
    trio.run();
    std::mt19937 dice(11);
    const auto rest = [&](unsigned most) { usleep(static_cast<useconds_t>(dice() % most)); };
    for (int round = 0; round < rounds(); ++round) {
        const HostId served_by = trio.await_any();
        const HostId other = 3 - served_by;
        CAPTURE(round);
        trio.house(other).await_phase(other, "started");
        const pid_t application = trio.pid(served_by);
        const pid_t supervisor = trio.house(served_by).supervisor();
        switch (dice() % 6) {
            case 0:
                kill(application, SIGKILL);
                break;
            case 1:  // thawed before or after it is noticed
                kill(application, SIGSTOP);
                rest(400'000);
                kill(application, SIGCONT);
                break;
            case 2:
                kill(supervisor, SIGSTOP);
                rest(400'000);
                kill(supervisor, SIGCONT);
                break;
            case 3:
                kill(supervisor, SIGKILL);
                trio.house(served_by).reconnect([&](pid_t pid) { return pid != supervisor; });
                break;
            case 4:
                trio.cut(served_by);
                rest(400'000);
                trio.tell();
                break;
            default: {  // all of the host
                const pid_t guard = House::parent_of(supervisor);
                for (const pid_t each : {guard, supervisor, application}) kill(each, SIGSTOP);
                rest(400'000);
                // The application first: it must see by itself that its time is over.
                for (const pid_t each : {application, supervisor, guard}) kill(each, SIGCONT);
                break;
            }
        }
        rest(50'000);
    }
    trio.await_any();
    const Trio::Counted counted = trio.count();
    MESSAGE(counted.acts << " acts, " << counted.changes << " changes");
    CHECK(counted.two == 0);
    CHECK(counted.changes > 5);
}

}  // namespace
}  // namespace belay::supervisor
