// Waves and limits of failures on hosts that are processes, as a person at the controller asks for them and
// sees them.

#include "daemon/network/testing/machine.h"

#include <algorithm>
#include <array>

namespace belay::daemon {
namespace {

using namespace testing;

/// Three hosts, each with a folder of the same name in which an operation makes files.
struct Fleet {
    Machine controller;
    std::array<Machine, 3> hosts;

    Fleet()
    {
        controller.make_controller();
        for (size_t at = 0; at < hosts.size(); ++at) {
            join(controller, hosts[at], {{"name", fmt::format("web{}", at + 1)}});
            REQUIRE(hosts[at].await_status(is_attached));
        }
    }

    static std::string file(const Machine& host, std::string_view name)
    {
        return fmt::format("{}/files/{}", host.state(), name);
    }
    static bool has(const Machine& host, std::string_view name)
    {
        return access(file(host, name).c_str(), F_OK) == 0;
    }
    void empty_folders() const
    {
        for (const Machine& host : hosts) {
            std::filesystem::remove_all(host.state() + "/files");
            std::filesystem::create_directory(host.state() + "/files");
        }
    }
    /// The step of a host fails: what it is to write is a folder that is not empty.
    static void obstruct(const Machine& host, std::string_view name)
    {
        std::filesystem::create_directories(file(host, name) + "/in-the-way");
    }

    Ran add(const std::string& failures)
    {
        return controller.belay({"add", "test.files", "--folder", "/proc/self/cwd/files", "--on",
                                 "web1,web2,web3", "--waves", "1,2", "--wave-soak", "100ms", "--failures",
                                 failures, "--timer", "1h"});
    }
    Json shown(const std::string& operation)
    {
        return need(parse_json(controller.belay({"show", operation, "--json"}).out));
    }
    std::string told(const std::string& operation) { return controller.belay({"show", operation}).out; }
    static std::string last_state(Machine& host)
    {
        return host.ask("List", {{"ended", true}}).at("operations").back().at("state");
    }
};

TEST_CASE("within the limit a host whose step fails is left out and named; beyond it all of them go back")
{
    Fleet fleet;
    Machine& first = fleet.hosts[0];
    Machine& second = fleet.hosts[1];
    Machine& third = fleet.hosts[2];

    INFO("one of the second wave fails, and one may");
    fleet.empty_folders();
    Fleet::obstruct(second, "activated");
    const Ran added = fleet.add("1");
    REQUIRE_MESSAGE(added.code == 0, added.said);
    const Ran activated = fleet.controller.belay({"activate", "1"});
    CHECK_MESSAGE(activated.code == 0, activated.said);
    std::string soaking = fleet.told("1");
    CHECK_MESSAGE(contains(soaking, "left out: web2 is abort"), soaking);
    // It may be on its way back still; the gate is asked every now and then.
    for (int i = 0; i < 300 && !contains(soaking, "left out: web2 is aborted"); ++i) {
        usleep(100'000);
        soaking = fleet.told("1");
    }
    CHECK_MESSAGE(contains(soaking, "left out: web2 is aborted"), soaking);
    const std::string gate = fleet.shown("1").at("gates")[0].at("found");
    CHECK_MESSAGE(contains(gate, "2 of 2; left out: web2"), gate);
    const Ran committed = fleet.controller.belay({"commit", "1"});
    CHECK_MESSAGE(committed.code == 0, committed.said);
    CHECK(fleet.shown("1").at("state") == "committed");
    CHECK_MESSAGE(contains(fleet.told("1"), "left out: web2"), fleet.told("1"));
    CHECK(Fleet::last_state(first) == "committed");
    CHECK(Fleet::last_state(second) == "aborted");
    CHECK(Fleet::last_state(third) == "committed");
    CHECK(Fleet::has(third, "committed"));
    CHECK(!Fleet::has(second, "added"));

    INFO("the same, and none may");
    fleet.empty_folders();
    Fleet::obstruct(third, "activated");
    REQUIRE(fleet.add("0").code == 0);
    const Ran failed = fleet.controller.belay({"activate", "2"});
    CHECK_MESSAGE(failed.code == 1, failed.said);
    CHECK_MESSAGE(contains(failed.said, "web3"), failed.said);
    const Json went_back = fleet.shown("2");
    CHECK(went_back.at("state") == "aborted");
    CHECK_MESSAGE(contains(went_back.at("reason").get<std::string>(), "web3"), went_back.at("reason"));
    for (Machine* host : {&first, &second, &third}) {
        CHECK(Fleet::last_state(*host) == "aborted");
        CHECK(!Fleet::has(*host, "added"));
    }

    INFO("the first wave is one host: where that fails the change is at fault, whatever the limit");
    fleet.empty_folders();
    Fleet::obstruct(first, "activated");
    REQUIRE(fleet.add("1").code == 0);
    const Ran alone = fleet.controller.belay({"activate", "3"});
    CHECK_MESSAGE(alone.code == 1, alone.said);
    CHECK(fleet.shown("3").at("state") == "aborted");
    for (Machine* host : {&first, &second, &third}) {
        CHECK(Fleet::last_state(*host) == "aborted");
        CHECK(!Fleet::has(*host, "added"));
    }

    INFO("one that cannot prepare is left out before anything is switched");
    fleet.empty_folders();
    Fleet::obstruct(second, "added");
    const Ran without = fleet.add("1");
    CHECK_MESSAGE(without.code == 0, without.said);
    CHECK(fleet.controller.belay({"activate", "4"}).code == 0);
    CHECK(fleet.controller.belay({"commit", "4"}).code == 0);
    CHECK(Fleet::last_state(second) == "aborted");
    CHECK(Fleet::has(first, "committed"));
    CHECK(Fleet::has(third, "committed"));

    INFO("what makes no sense is refused before any host is asked");
    CHECK(fleet.add("3").code == 2);
    CHECK(fleet.add("many").code == 2);
    const Ran away = fleet.controller.belay({"add", "test.files", "--folder", "/x", "--on", "web1,web9"});
    CHECK(away.code == 5);
    third.stop();
    REQUIRE(fleet.controller.await_status([](const Json& status) {
        return status.at("place").at("controller").at("hosts")[2].at("presence").at("state") == "gone";
    }));
    const Ran gone = fleet.add("1");
    CHECK(gone.code == 7);
    CHECK_MESSAGE(contains(gone.said, "web3"), gone.said);
}

TEST_CASE("a controller is a host of its own operation, and may be killed in the middle of it")
{
    Machine controller, web1;
    controller.make_controller();
    controller.status();
    controller.keep_address();
    join(controller, controller, {{"name", "alpha"}});
    join(controller, web1, {{"name", "web1"}});
    controller.stop();
    const auto all_attached = [](const Json& status) {
        const Json& hosts = status.at("place").at("controller").at("hosts");
        return is_attached(status) && std::ranges::all_of(hosts, [](const Json& host) {
                   return host.at("presence").at("state") == "attached";
               });
    };
    for (Machine* machine : {&controller, &web1})
        std::filesystem::create_directory(machine->state() + "/files");
    REQUIRE(controller.await_status(is_attached));
    REQUIRE(web1.await_status(is_attached));

    const auto ask = [&](std::vector<std::string> words) {
        const Ran ran = controller.belay(std::move(words));
        CHECK_MESSAGE(ran.code == 0, ran.said);
    };
    const auto kill_controller = [&] {
        controller.kill();
        REQUIRE(controller.await_status(all_attached));
    };
    const std::vector<std::string> add = {"add",  "test.files", "--folder",    "/proc/self/cwd/files",
                                          "--on", "alpha,web1", "--wave-soak", "100ms"};
    ask(add);
    kill_controller();
    ask({"activate", "1"});
    CHECK(Fleet::has(controller, "activated"));
    CHECK(Fleet::has(web1, "activated"));
    kill_controller();
    ask({"abort", "1"});
    CHECK(!Fleet::has(controller, "added"));
    CHECK(!Fleet::has(web1, "added"));
    CHECK(Fleet::last_state(web1) == "aborted");

    ask(add);
    const Json open = controller.ask("List").at("operations");
    REQUIRE(open.size() == 2);  // that of the site, and its own part
    const std::string id = open[0].at("id");
    ask({"activate", id});
    kill_controller();
    ask({"commit", id});
    CHECK(Fleet::has(controller, "committed"));
    CHECK(Fleet::has(web1, "committed"));
    for (const Json& operation : controller.ask("List", {{"ended", true}, {"limit", 2}}).at("operations"))
        CHECK(operation.at("state") == "committed");
}

TEST_CASE("a runbook on hosts is called as it is on one of them, and a check that fails names its host")
{
    Machine controller, web1;
    controller.make_controller();
    join(controller, web1, {{"name", "web1"}});
    REQUIRE(web1.await_status(is_attached));
    const std::string file = controller.path("r.toml");
    std::ofstream(file) << R"(name = "greet"
summary = "Greet the host"

[[check]]
title = "nobody is asleep"
run = ["sh", "-c", "! test -e /proc/$PPID/cwd/asleep"]

[[step]]
name = "hello"
title = "Say hello"
phase = "activate"
run = ["true"]
undo = ["true"]
)";
    const Ran here = controller.belay({"runbook", "plan", file, "--json"});
    CHECK_MESSAGE(here.code == 0, here.said);
    const Ran there = controller.belay({"runbook", "plan", file, "--on", "web1", "--json"});
    CHECK_MESSAGE(there.code == 0, there.said);
    const Json alone = need(parse_json(here.out)).at("plan"),
               together = need(parse_json(there.out)).at("plan");
    CHECK(alone.at("procedure") == "runbook.greet");
    CHECK(together.at("procedure") == "runbook.greet");
    CHECK(together.at("title") == "Greet the host, on 1 host");

    std::ofstream(web1.state() + "/asleep") << "";
    const Ran refused = controller.belay({"runbook", "add", file, "--on", "web1"});
    CHECK_MESSAGE(refused.code == 3, refused.said);
    CHECK_MESSAGE(contains(refused.said, "web1"), refused.said);
    CHECK_MESSAGE(contains(refused.said, "nobody is asleep"), refused.said);
}

}  // namespace
}  // namespace belay::daemon
