// Alarms in the store: numbered, none twice, none left out, whatever becomes of the daemon.

#include "base/testing/must.h"
#include "daemon/monitor.h"
#include "host/simulated.h"
#include "store/memory.h"

#include <doctest/doctest.h>

namespace belay::daemon {
namespace {

using store::MemoryStore;

/// What is watched is a list of names; one that is new is an alarm.
procedures::Watched names_watched()
{
    return {.file = "",
            .look = [](host::Host& host) -> Result<Json> { return parse_json(TRY(host.read("/names"))); },
            .compare = [](const Json& before, const Json& now) -> Result<std::vector<procedures::Alarm>> {
                std::vector<procedures::Alarm> alarms;
                for (const std::string name : now) {
                    const bool known =
                        before.is_array() && std::ranges::find(before, Json(name)) != before.end();
                    if (!known) alarms.push_back({"new", "note", name, "", name + " is new"});
                }
                return alarms;
            }};
}

std::string kept(const Alarms& alarms, size_t limit = 5000)
{
    std::string text;
    for (const RaisedAlarm& raised : must(alarms.newest(limit)))
        text += fmt::format("{}:{} ", raised.number, raised.alarm.device);
    return text;
}

const Milliseconds noon{1'700'000'000'000};

TEST_CASE("what happened is kept once, also over a restart of the daemon")
{
    MemoryStore store({.boot = "1", .now = [] { return Milliseconds{0}; }});
    const procedures::Watched watched = names_watched();
    Alarms alarms(store);
    CHECK(must(alarms.take(watched, {"a"}, noon)) == 1);
    CHECK(must(alarms.take(watched, {"a"}, noon)) == 0);
    Alarms after_restart(store);
    CHECK(must(after_restart.take(watched, {"a"}, noon)) == 0);
    CHECK(must(after_restart.take(watched, {"a", "b", "c"}, noon)) == 2);
    CHECK(kept(after_restart) == "1:a 2:b 3:c ");
    CHECK(kept(after_restart, 2) == "2:b 3:c ");
    CHECK(must(after_restart.state()) == Json({"a", "b", "c"}));
}

TEST_CASE("any write may be lost, before or after it came about: nothing is kept twice or left out")
{
    const procedures::Watched watched = names_watched();
    for (const auto fault :
         {MemoryStore::Fault::lost_before, MemoryStore::Fault::lost_after, MemoryStore::Fault::refuse}) {
        for (int at = 1; at <= 3; ++at) {
            MemoryStore store({.boot = "1", .now = [] { return Milliseconds{0}; }});
            int writes = 0;
            store.set_fault_hook(
                [&](const store::Transaction&) { return ++writes == at ? fault : MemoryStore::Fault::none; });
            Alarms alarms(store);
            for (const Json& now : {Json{"a"}, Json{"a", "b"}, Json{"a", "b", "c"}}) {
                if (alarms.take(watched, now, noon)) continue;
                if (store.dead()) store.revive("1");
                CHECK(alarms.take(watched, now, noon).has_value());
            }
            INFO(static_cast<int>(fault), " at write ", at);
            CHECK(kept(alarms) == "1:a 2:b 3:c ");
        }
    }
}

TEST_CASE("the newest thousand are kept, and a flood of one look is cut short and says so")
{
    MemoryStore store({.boot = "1", .now = [] { return Milliseconds{0}; }});
    const procedures::Watched watched = names_watched();
    Alarms alarms(store);
    Json names = Json::array();
    for (int i = 0; i < 100; ++i) names.push_back(fmt::format("n{}", i));
    CHECK(must(alarms.take(watched, names, noon)) == 50);
    CHECK(must(alarms.newest(1)).front().alarm.text == "51 more things happened at the same time");
    for (int i = 0; i < 1000; ++i) must(alarms.raise({"test", "note", "", "", "a test"}, noon));
    const std::vector<RaisedAlarm> all = must(alarms.newest(5000));
    CHECK(all.size() == Alarms::most_kept);
    CHECK(all.back().number == 1050);
}

TEST_CASE("whoever is to be told is told once of each, in order, and what it says changes nothing")
{
    MemoryStore store({.boot = "1", .now = [] { return Milliseconds{0}; }});
    host::SimulatedHost host;
    std::vector<std::vector<std::string>> told;
    int answers = 1;  // the first ends badly
    host.install("siren", [&](host::Machine&, const host::Command& command) -> Result<host::Outcome> {
        told.push_back(command.argv);
        return host::Outcome{.exit_code = answers-- > 0 ? 1 : 0, .out = {}, .err = "hoarse\n"};
    });
    auto loop = must(site::Loop::open());
    site::Workers workers(*loop);
    const procedures::Watched watched = names_watched();
    int raised = 0;
    {
        Monitor monitor(*loop, workers, store, host, watched,
                        {.command = "siren", .raised = [&] { ++raised; }});
        monitor.start();
        CHECK(!monitor.is_watching());
        must(monitor.test());
        must(monitor.test());
    }
    Monitor next(*loop, workers, store, host, watched, {.command = "siren"});
    must(next.test());
    CHECK(raised == 2);
    REQUIRE(told.size() == 3);
    CHECK(told[0] == std::vector<std::string>{"siren", "test", "", "", "a test: nothing has happened"});
    CHECK(must(next.alarms().undelivered()).empty());
}

}  // namespace
}  // namespace belay::daemon
