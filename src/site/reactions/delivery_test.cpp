// Each reaction at least once, and once where nothing crashes: with faults at every write, with daemons that
// die between any two, and with two controllers on one etcd.

#include "site/reactions/delivery.h"

#include "base/testing/must.h"
#include "framework/configuration/testing/sample.h"
#include "host/real.h"
#include "site/reactions/testing/receivers.h"
#include "store/etcd/testing/cluster.h"
#include "store/memory.h"

#include <barrier>
#include <thread>

namespace belay::site {
namespace {

using framework::alarms::Alarm;
using framework::alarms::AlarmBook;
using framework::alarms::Circumstances;
using framework::alarms::Deed;
using framework::alarms::Verdict;
using framework::configuration::sample_site;
using framework::configuration::site_of;
using std::chrono::hours;
using std::chrono::seconds;

constexpr Milliseconds noon{1'700'000'000'000};

const std::string paged_site = sample_site + R"(
[script.one]
kind = "command"
command = ["/bin/one"]

[script.two]
kind = "restart"
application = "stat server"

[alarm.lost]
severity = "major"
detect = { event = "20-00010" }
reactions = ["one", "two"]
)";

/// Says what it is told to say, and counts.
struct Told final : Reactor {
    std::mutex mutex;
    std::map<std::string, int> done;
    std::map<std::string, Error> fails;
    std::function<void(const Alarm&, const Deed&)> meanwhile;

    Result<std::string> perform(const Alarm& alarm, const Deed& deed) override
    {
        if (meanwhile) meanwhile(alarm, deed);
        const std::lock_guard lock(mutex);
        ++done[fmt::format("{} {}", alarm.number, deed.name)];
        if (const auto failing = fails.find(deed.name); failing != fails.end())
            return std::unexpected(failing->second);
        return std::string("done well");
    }
};

Verdict verdict(Verdict::What what, const std::string& host, uint64_t number)
{
    return {.what = what,
            .key = {.condition = "lost", .host = host},
            .severity = framework::alarms::Severity::major,
            .count = 1,
            .first = noon,
            .last = noon + seconds(number),
            .number = number,
            .text = "it is lost"};
}

std::unique_ptr<store::MemoryStore> memory()
{
    return std::make_unique<store::MemoryStore>(
        store::BootClock{.boot = "1", .now = [] { return Milliseconds{0}; }});
}

struct DeliveryBench {
    std::unique_ptr<store::MemoryStore> store = memory();
    AlarmBook book{*store};
    Told reactor;
    Circumstances circumstances = Circumstances::of(site_of(paged_site));
    Delivery delivery = new_delivery("c1");
    Milliseconds now = noon;

    Delivery new_delivery(const std::string& holder)
    {
        return Delivery(book, reactor, holder, [](const Deed&) { return Milliseconds(60'000); });
    }
    void raise(const std::string& host, uint64_t number)
    {
        must(book.take({verdict(Verdict::What::raised, host, number)}, {}, circumstances, now));
    }
    /// Does all that is due now.
    void work(Delivery& by)
    {
        while (true) {
            const auto claimed = must(by.claim(now));
            if (claimed.empty()) return;
            for (const Delivery::Work& one : claimed) must(by.perform(one, [this] { return now; }));
        }
    }
    std::string line(uint64_t number)
    {
        std::string text;
        for (const Deed& deed : must(book.show(number)).deeds)
            text += fmt::format("{}:{}:{} ", deed.name, name_of(deed.stand), deed.attempts);
        return text;
    }
};

TEST_CASE("each reaction is done once, in its order, and what came of it is kept")
{
    DeliveryBench bench;
    bench.raise("h1", 1);
    CHECK(must(bench.delivery.next()) == std::optional(Milliseconds{0}));
    const auto first = must(bench.delivery.claim(bench.now));
    REQUIRE(first.size() == 1);
    CHECK(bench.line(1) == "one:doing:1 two:waiting:0 ");
    // Never two at once for one alarm.
    CHECK(must(bench.delivery.claim(bench.now)).empty());
    CHECK_FALSE(must(bench.delivery.next()));
    must(bench.delivery.perform(first.front(), [&] { return bench.now; }));
    bench.work(bench.delivery);
    CHECK(bench.line(1) == "one:done:1 two:done:1 ");
    CHECK(must(bench.book.show(1)).deeds.front().what == "done well");
    CHECK(must(bench.book.outbox()).empty());
    CHECK_FALSE(must(bench.delivery.next()));
    CHECK(bench.reactor.done == std::map<std::string, int>{{"1 one", 1}, {"1 two", 1}});
}

TEST_CASE("what fails is tried again later and later, the others are not kept, and it ends some time")
{
    DeliveryBench bench;
    bench.reactor.fails["one"] = {.kind = ErrorKind::unavailable, .what = "nobody there"};
    bench.raise("h1", 1);
    bench.work(bench.delivery);
    CHECK(bench.line(1) == "one:waiting:1 two:done:1 ");
    CHECK(must(bench.delivery.next()) == std::optional(noon + Delivery::first_pause));
    bench.now += Delivery::first_pause - Milliseconds(1);
    bench.work(bench.delivery);
    CHECK(bench.line(1) == "one:waiting:1 two:done:1 ");
    for (int i = 0; i < 100; ++i) {
        bench.now += Delivery::longest_pause;
        bench.work(bench.delivery);
    }
    CHECK(bench.line(1) == "one:failed:12 two:done:1 ");
    CHECK(must(bench.book.show(1)).deeds.front().what == "nobody there");
    CHECK(must(bench.book.outbox()).empty());
    CHECK(pause_after(1) == seconds(10));
    CHECK(pause_after(2) == seconds(20));
    CHECK(pause_after(200) == Delivery::longest_pause);
}

TEST_CASE("what will never go well is not tried again")
{
    DeliveryBench bench;
    bench.reactor.fails["one"] = {.kind = ErrorKind::refused, .what = "no"};
    bench.raise("h1", 1);
    bench.work(bench.delivery);
    CHECK(bench.line(1) == "one:failed:1 two:done:1 ");
}

TEST_CASE("an alarm that has ended is still mailed, and mends nothing any more")
{
    DeliveryBench bench;
    bench.raise("h1", 1);
    must(bench.book.take({verdict(Verdict::What::cleared, "h1", 2)}, {}, bench.circumstances, noon));
    bench.work(bench.delivery);
    CHECK(bench.line(1) == "one:done:1 two:skipped:0 ");
    CHECK(must(bench.book.outbox()).empty());
}

TEST_CASE("four reactions at once, and not one for each of a hundred alarms")
{
    DeliveryBench bench;
    for (uint64_t i = 1; i <= 100; ++i) bench.raise(fmt::format("h{}", i), i);
    const auto claimed = must(bench.delivery.claim(bench.now));
    CHECK(claimed.size() == Delivery::most_at_once);
    CHECK(must(bench.delivery.claim(bench.now)).empty());
    for (const Delivery::Work& one : claimed) must(bench.delivery.perform(one, [&] { return bench.now; }));
    bench.work(bench.delivery);
    CHECK(bench.reactor.done.size() == 200);
    CHECK(must(bench.book.outbox()).empty());
}

TEST_CASE("a daemon that dies while it does one leaves it to itself at once, and to another after its time")
{
    DeliveryBench bench;
    bench.raise("h1", 1);
    CHECK(must(bench.delivery.claim(bench.now)).size() == 1);
    Delivery other = bench.new_delivery("c2");
    CHECK(must(other.claim(bench.now)).empty());
    CHECK(must(other.next()) == std::optional(noon + seconds(60) + Delivery::grace));
    SUBCASE("the same one, begun anew")
    {
        Delivery again = bench.new_delivery("c1");
        bench.work(again);
    }
    SUBCASE("another one")
    {
        bench.now += seconds(60) + Delivery::grace;
        bench.work(other);
    }
    CHECK(bench.line(1) == "one:done:2 two:done:1 ");
}

TEST_CASE("what came of it is written once the store answers again, and it is not done again for that")
{
    DeliveryBench bench;
    bench.raise("h1", 1);
    const auto claimed = must(bench.delivery.claim(bench.now));
    bench.store->set_fault_hook([](const store::Transaction&) { return store::MemoryStore::Fault::refuse; });
    CHECK_FALSE(bench.delivery.perform(claimed.front(), [&] { return bench.now; }));
    static_cast<void>(bench.delivery.claim(bench.now).has_value());
    bench.store->set_fault_hook({});
    bench.work(bench.delivery);
    CHECK(bench.line(1) == "one:done:1 two:done:1 ");
    CHECK(bench.reactor.done.at("1 one") == 1);
}

TEST_CASE(
    "it dies at any write: no alarm is lost or twice there, each reaction is done, and at most once again")
{
    using Fault = store::MemoryStore::Fault;
    int struck_at_most = 0;
    for (const Fault fault : {Fault::lost_before, Fault::lost_after}) {
        for (int at = 0;; ++at) {
            DeliveryBench bench;
            int writes = 0;
            bool struck = false;
            bench.store->set_fault_hook([&](const store::Transaction&) {
                const bool now = writes++ == at;
                struck = struck || now;
                return now ? fault : Fault::none;
            });
            const std::vector<Verdict> verdicts = {verdict(Verdict::What::raised, "h1", 1),
                                                   verdict(Verdict::What::raised, "h2", 2)};
            // A daemon's life: what it heard and has not written it hears again, then it does what is due.
            const auto live = [&]() -> Result<void> {
                Delivery delivery = bench.new_delivery("c1");
                if (!TRY(bench.book.heard_until("h1")))
                    TRY(bench.book.take(verdicts, framework::alarms::HeardUntil{.host = "h1", .number = 2},
                                        bench.circumstances, bench.now));
                while (true) {
                    const auto claimed = TRY(delivery.claim(bench.now));
                    if (claimed.empty()) return {};
                    for (const Delivery::Work& one : claimed)
                        TRY(delivery.perform(one, [&] { return bench.now; }));
                }
            };
            while (!live()) bench.store->revive();
            CHECK(must(bench.book.newest(100)).size() == 2);
            CHECK(must(bench.book.outbox()).empty());
            int total = 0;
            for (const char* deed : {"1 one", "1 two", "2 one", "2 two"}) {
                CHECK(bench.reactor.done[deed] >= 1);
                total += bench.reactor.done[deed];
            }
            CHECK(total <= 5);
            if (!struck) {
                CHECK(total == 4);
                break;
            }
            struck_at_most = std::max(struck_at_most, at);
        }
    }
    CHECK(struck_at_most >= 7);
}

TEST_CASE(
    "two controllers on one etcd hear the same storm: one alarm for each, one reaction, whoever is first")
{
    store::Cluster cluster(1);
    const Circumstances circumstances = Circumstances::of(site_of(paged_site));
    Told reactor;
    constexpr uint64_t hosts = 12;
    std::barrier together(2);
    const auto controller = [&](const std::string& name) {
        const auto own_store = must(store::open_etcd(cluster.options()));
        AlarmBook book(*own_store);
        Delivery delivery(book, reactor, name, [](const Deed&) { return Milliseconds(60'000); });
        for (uint64_t i = 1; i <= hosts; ++i) {
            together.arrive_and_wait();
            std::vector<Verdict> verdicts = {verdict(Verdict::What::raised, fmt::format("h{}", i), i)};
            if (i > 1) verdicts.push_back(verdict(Verdict::What::again, fmt::format("h{}", i - 1), i));
            CHECK(book.take(verdicts, {}, circumstances, noon));
            const auto claimed = delivery.claim(noon);
            if (!claimed) continue;
            for (const Delivery::Work& one : *claimed)
                static_cast<void>(delivery.perform(one, [] { return noon; }).has_value());
        }
        together.arrive_and_wait();
        testing::await(
            [&] {
                for (const Delivery::Work& one : must(delivery.claim(noon)))
                    must(delivery.perform(one, [] { return noon; }));
                return must(book.outbox()).empty();
            },
            "all reactions are done");
    };
    {
        std::jthread one(controller, "c1"), other(controller, "c2");
    }
    const auto own_store = must(store::open_etcd(cluster.options()));
    const std::vector<Alarm> alarms = must(AlarmBook(*own_store).newest(1000));
    CHECK(alarms.size() == hosts);
    for (const Alarm& alarm : alarms)
        CHECK(alarm.count == (alarm.key.host == fmt::format("h{}", hosts) ? 1 : 2));
    CHECK(reactor.done.size() == 2 * hosts);
    for (const auto& [what, count] : reactor.done) {
        INFO(what);
        CHECK(count == 1);
    }
}

}  // namespace
}  // namespace belay::site
