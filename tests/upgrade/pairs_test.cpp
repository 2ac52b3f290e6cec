// Redundant pairs are upgraded in service, by a controller and two hosts, each with a belayd of its own.

#include "daemon/upgrades.h"
#include "shop_site.h"

namespace belay::daemon {
namespace {

/// A person sees what runs, and how the pair stands, once each. The whole of it is in src/cli/screens.
void is_shown(ShopSite& site, const std::string& operation)
{
    const std::string mode = "hot, both ready, server-2 serves\n";
    const std::string summary = site.controller_.belay({"image", "summary"}).out;
    CHECK_MESSAGE(testing::contains(summary, "\noperating mode\n  servers  " + mode), summary);
    CHECK_MESSAGE(testing::contains(summary, "\n  current state         activated\n"), summary);
    const std::string shown = site.controller_.belay({"show", operation}).out;
    CHECK_MESSAGE(testing::contains(shown, "\n  members         web2 (standby), web1 (active)\n"), shown);
    CHECK_MESSAGE(testing::contains(shown,
                                    "\n  running image   server-1 on web1: shop 2.0\n"
                                    "                  server-2 on web2: shop 2.0\n"
                                    "  operating mode  servers: " +
                                        mode),
                  shown);
}

TEST_CASE("a pair is upgraded standby first, committed, upgraded again and led back by a person")
{
    ShopSite site;
    site.install({"1.0"});
    CHECK(ShopSite::letters(site.web1_) == "1.0 C");
    site.publish({"2.0"});
    const Json planned = site.plan("2.0");
    REQUIRE_MESSAGE(planned.at("operation").is_string(), planned.at("findings").dump(1));
    const std::string first = planned["operation"];
    CHECK(site.go(first, {"add"}) == "added");
    CHECK(ShopSite::letters(site.web2_) == "1.0 C, 2.0 I");
    CHECK_MESSAGE(site.go(first, {"activate"}) == "activated", site.show(first));
    // The one that stood by has it first, and serves from then on.
    site.await_service("server-2");
    for (Machine* const host : {&site.web1_, &site.web2_}) {
        CHECK(ShopSite::running(*host) == "2.0");
        CHECK(ShopSite::letters(*host) == "1.0 D, 2.0 U");
    }
    is_shown(site, first);
    CHECK_MESSAGE(site.go(first, {"commit"}) == "committed", site.show(first));
    CHECK(ShopSite::letters(site.web1_) == "1.0 I, 2.0 C");

    INFO("a version that is kept is run again as any other is, and the way back from it is the same");
    const std::string second = site.plan("1.0").at("operation");
    CHECK_MESSAGE(site.go(second, {"add", "activate"}) == "activated", site.show(second));
    CHECK(ShopSite::running(site.web1_) == "1.0");
    site.await_service("server-1");
    CHECK_MESSAGE(site.go(second, {"abort"}) == "aborted", site.show(second));
    site.await_service("server-2");
    for (Machine* const host : {&site.web1_, &site.web2_}) {
        CHECK(ShopSite::running(*host) == "2.0");
        CHECK(ShopSite::letters(*host) == "1.0 I, 2.0 C");
    }
    CHECK(site.plan("2.0").at("plan").at("steps").empty());
}

TEST_CASE("what is wrong with an image is said before anything is touched")
{
    ShopSite site;
    site.install({"1.0"});

    INFO("one byte is altered, whichever");
    const std::string good = testing::text_of_file(site.build({"2.0"}));
    for (const size_t at : {size_t{20}, good.size() / 2, good.size() - 9}) {
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 1);
        std::ofstream(site.controller_.path("bad.image"), std::ios::binary) << bad;
        CHECK_FALSE(site.upload(site.controller_.path("bad.image")));
    }
    INFO("another key");
    const auto strange = site.upload(site.build({"2.0"}, need(image::make_key_pair()).private_key));
    REQUIRE_FALSE(strange);
    CHECK_MESSAGE(strange.error().kind == ErrorKind::refused, strange.error().what);
    CHECK(site.controller_.ask("ImageSummary")["published"].size() == 1);

    INFO("other files under a version that is known");
    const auto other = site.upload(site.build({.version = "1.0", .extra = "--lines 1"}));
    REQUIRE_FALSE(other);
    CHECK_MESSAGE(other.error().what == "there is another shop 1.0 already, of other files",
                  other.error().what);

    INFO("a version that may not follow the one that runs");
    site.publish({.version = "3.0", .upgrades_from = ">=2.0"});
    CHECK_MESSAGE(testing::contains(ShopSite::refusals(site.plan("3.0", false)), ">=2.0"),
                  ShopSite::refusals(site.plan("3.0", false)));

    INFO("a key that one of the hosts does not trust");
    site.publish({"2.0"});
    site.web2_.stop();
    std::filesystem::create_directory(site.web2_.path("no-keys"));
    site.web2_.start({"--image-keys", site.web2_.path("no-keys")});
    REQUIRE(site.web2_.await_status(testing::is_attached));
    const Json planned = site.plan("2.0");
    CHECK(planned.at("operation").is_null());
    CHECK_MESSAGE(testing::contains(ShopSite::refusals(planned), "image.trusted"),
                  ShopSite::refusals(planned));
    CHECK(ShopSite::letters(site.web1_) == "1.0 C");
    CHECK(ShopSite::letters(site.web2_) == "1.0 C");
}

TEST_CASE("what is wrong with the hosts is said before anything is touched")
{
    ShopSite site;
    site.install({"1.0"});
    site.publish({"2.0"});

    INFO("another operation works on the pair");
    const std::string first = site.plan("2.0").at("operation");
    CHECK(site.go(first, {"add"}) == "added");
    const Json second = site.plan("2.0");
    CHECK_MESSAGE(second.at("operation").is_null(), second.dump(1));
    CHECK(site.go(first, {"abort"}) == "aborted");
    CHECK(ShopSite::letters(site.web1_) == "1.0 C");

    INFO("no pair, no version");
    CHECK(site.controller_.face()
              .call("Plan",
                    {{"procedure", "pair.upgrade"}, {"arguments", {{"pair", "nobody"}, {"version", "2.0"}}}})
              .error()
              .what == "there is no pair \"nobody\", and no application of a pair");
    CHECK(testing::contains(site.controller_.face()
                                .call("Plan", {{"procedure", "pair.upgrade"},
                                               {"arguments", {{"pair", "servers"}, {"version", "9.9"}}}})
                                .error()
                                .what,
                            "there is no shop 9.9"));

    INFO("the one that stands by is stopped");
    site.web2_.ask("ApplicationOrder", {{"application", "server-2"}, {"want", "stopped"}});
    const auto until = std::chrono::steady_clock::now() + 30s;
    while (ShopSite::running(site.web2_) != "none") REQUIRE(std::chrono::steady_clock::now() < until);
    const std::string found = ShopSite::refusals(site.plan("2.0", false));
    CHECK_MESSAGE(testing::contains(found, "member.ready"), found);
    CHECK_MESSAGE(testing::contains(found, "member.starts-by-itself"), found);
}

/// The whole of a version that comes to nothing: both run 1.0 afterwards, and the one that served serves.
void comes_to_nothing(ShopSite& site, const Made& made, const std::vector<std::string>& verbs)
{
    INFO(made.version);
    site.publish(made);
    const Json planned = site.plan(made.version);
    REQUIRE_MESSAGE(planned.at("operation").is_string(), planned.at("findings").dump(1));
    const std::string operation = planned["operation"];
    CHECK_MESSAGE(site.go(operation, verbs) == "aborted", site.show(operation));
    const Json ended = site.controller_.ask("Show", {{"operation", operation}});
    CHECK_MESSAGE(ended.at("differences").empty(), site.show(operation));
    for (Machine* const host : {&site.web1_, &site.web2_}) {
        CHECK(ShopSite::running(*host) == "1.0");
        CHECK_MESSAGE(ShopSite::letters(*host) == "1.0 C", ShopSite::letters(*host));
    }
}

TEST_CASE("a version that fails in any way leads back to the old one by itself")
{
    ShopSite site;
    site.install({"1.0"});
    comes_to_nothing(site, {.version = "2.1", .check = "echo no such option >&2; exit 1"}, {"add"});
    site.await_service("server-1");
    comes_to_nothing(site, {.version = "2.2", .extra = "--fail-after 0"}, {"add", "activate"});
    site.await_service("server-1");
    comes_to_nothing(site, {.version = "2.3", .extra = "--ready-after 1000000"}, {"add", "activate"});
    site.await_service("server-1");
    comes_to_nothing(site, {.version = "2.4", .extra = "--fails-as primary"}, {"add", "activate"});
    site.await_service("server-1");
}

TEST_CASE("a host that is left alone goes back soon after the timer that was asked for")
{
    ShopSite site;
    site.install({"1.0"});
    site.publish({"2.0"});
    const Json planned =
        site.controller_.ask("Plan", {{"procedure", "pair.upgrade"},
                                      {"arguments", {{"pair", "servers"}, {"version", "2.0"}}},
                                      {"timer_ms", 40'000}});
    const Json& plan = planned.at("plan");
    CHECK(plan.at("timer_ms") == 40'000);
    CHECK(!plan.at("asked").contains("timer_ms"));
    // One minute later, and the one that goes back second one more.
    std::set<int64_t> timers;
    for (const Json& part : plan.at("steps").at(0).at("arguments").at("plans"))
        timers.insert(part.at("timer_ms").get<int64_t>());
    CHECK(timers == std::set<int64_t>{100'000, 160'000});
}

TEST_CASE("a version that fails in the soak leads back by itself, and so does the timer")
{
    ShopSite site;
    site.install({"1.0"});
    site.publish({"2.0"});
    const auto activated = [&](const Json& more) {
        Json ask = {{"procedure", "pair.upgrade"},
                    {"arguments", {{"pair", "servers"}, {"version", "2.0"}}},
                    {"keep", true}};
        ask.update(more);
        const std::string operation = site.controller_.ask("Plan", ask).at("operation");
        CHECK_MESSAGE(site.go(operation, {"add", "activate"}) == "activated", site.show(operation));
        return operation;
    };
    const auto is_led_back = [&](const std::string& operation) {
        CHECK_MESSAGE(site.controller_.rest(operation, false) == "aborted", site.show(operation));
        for (Machine* const host : {&site.web1_, &site.web2_}) CHECK(ShopSite::running(*host) == "1.0");
        // The one that is led back last has let the other one serve.
        site.await_service("server-2");
    };
    const std::string first = activated(Json::object());
    site.await_service("server-2");
    // What dies twice within its time is given up.
    for (int i = 0; i < 2; ++i) {
        pid_t pid = 0;
        const auto until = std::chrono::steady_clock::now() + 20s;
        while (pid == 0) {
            const Json answer = site.web2_.ask("Applications");
            pid = answer.at("applications").at(0).value("pid", 0);
            REQUIRE(std::chrono::steady_clock::now() < until);
        }
        kill(pid, SIGKILL);
        usleep(300'000);
    }
    is_led_back(first);
    is_led_back(activated({{"timer_ms", 15000}}));
}

TEST_CASE("members that are found on different versions are brought together")
{
    ShopSite site;
    site.install({"1.0"});
    site.publish({"2.0"});
    // As after an upgrade by hand that was left half-way.
    const Json planned = site.controller_.ask("Plan", {{"procedure", "image.install"},
                                                       {"arguments", {{"image", "shop"}, {"version", "2.0"}}},
                                                       {"hosts", {"web1", "web2"}},
                                                       {"waves", {2}},
                                                       {"keep", true}});
    REQUIRE(site.go(planned.at("operation"), {"add", "activate", "commit"}) == "committed");
    std::ofstream(site.web2_.state() + "-images/packages.conf")
        << "[shop]\nruns = \"2.0\"\ncommitted = \"2.0\"\n";
    site.web2_.ask("ApplicationOrder", {{"application", "server-2"}, {"want", "running"}, {"restart", true}});
    const auto until = std::chrono::steady_clock::now() + 30s;
    while (ShopSite::running(site.web2_) != "2.0") REQUIRE(std::chrono::steady_clock::now() < until);
    site.await_service("server-1");
    for (const char* version : {"2.0", "1.0"}) {
        const std::string operation = site.plan(version).at("operation");
        CHECK_MESSAGE(site.go(operation, {"add", "activate", "commit"}) == "committed", site.show(operation));
        for (Machine* const host : {&site.web1_, &site.web2_}) CHECK(ShopSite::running(*host) == version);
    }
}

TEST_CASE("a pair that is run by other means is upgraded by its driver, and led back")
{
    ShopSite site(ShopSite::RunBy::driver);
    site.install({"1.0"});
    site.publish({"2.0"});
    const auto runs = [&](const std::string& name) {
        return testing::text_of_file(site.controller_.path(name + ".runs"));
    };
    const Json planned = site.plan("2.0");
    const std::string shown = planned.at("plan").dump();
    CHECK_MESSAGE(testing::contains(shown, "server-1 server-2 stand-by"), shown);
    CHECK_MESSAGE(testing::contains(shown, "server-2 server-1 restart"), shown);
    CHECK_FALSE(testing::contains(shown, "belay app"));
    const std::string operation = planned.at("operation");
    CHECK_MESSAGE(site.go(operation, {"add", "activate"}) == "activated", site.show(operation));
    site.await_service("server-2");
    CHECK(testing::contains(runs("server-1"), "/2.0/"));
    CHECK(testing::contains(runs("server-2"), "/2.0/"));
    CHECK_MESSAGE(site.go(operation, {"abort"}) == "aborted", site.show(operation));
    site.await_service("server-1");
    CHECK(testing::contains(runs("server-1"), "/1.0/"));
    CHECK(testing::contains(runs("server-2"), "/1.0/"));
    CHECK(site.controller_.ask("PairSwitch", {{"pair", "servers"}}).at("to") == "server-2");
    site.await_service("server-2");

    INFO("a driver that lets the standby take over is asked for that");
    std::ofstream(site.controller_.path("takes")) << "";
    const std::string third = site.plan("2.0").at("operation");
    CHECK_MESSAGE(site.go(third, {"add", "activate", "commit"}) == "committed", site.show(third));
    CHECK(testing::text_of_file(site.controller_.path("takes")) == "server-1\n");
    site.await_service("server-1");

    INFO("what the driver says is why it goes back");
    for (const char* name : {"server-1.fails", "server-2.fails"})
        std::ofstream(site.controller_.path(name)) << "";
    const std::string failing = site.plan("1.0").at("operation");
    site.go(failing, {"add"});
    site.controller_.ask("Request", {{"operation", failing}, {"verb", "activate"}});
    CHECK(site.controller_.rest(failing) == "aborted");
    const std::string reason = site.controller_.ask("Show", {{"operation", failing}}).at("reason");
    CHECK_MESSAGE(testing::contains(reason, "it does not start"), reason);
    CHECK(site.controller_.face()
              .call("ApplicationOrder", {{"application", "server-1"}, {"want", "stopped"}})
              .error()
              .what == "\"server-1\" is run by other means: Belay knows it by its driver alone");
}

TEST_CASE("several pairs are upgraded in waves, never two of one at once, and one that fails goes back alone")
{
    ShopSite site(ShopSite::RunBy::driver, ShopSite::Pages::elsewhere);
    site.install({"1.0"});
    site.publish({"2.0"});
    const auto plan = [&](const Json& more) {
        Json arguments = {{"pair", "servers,pages"}, {"version", "2.0"}};
        arguments.update(more);
        return site.controller_.face().call(
            "Plan", {{"procedure", "pair.upgrade"}, {"arguments", arguments}, {"keep", true}});
    };
    CHECK(plan({{"pair", "servers,servers"}}).error().what == "the pair servers stands there twice");
    CHECK(plan({{"failures", "2"}}).error().what == "a limit of 2 failures would let all 2 pairs fail");
    CHECK(plan({{"waves", "two"}}).error().what == "\"two\" is no number of pairs, and --waves wants one");

    std::ofstream(site.controller_.path("page-2.fails")) << "";
    const Json planned = need(plan({{"waves", "2"}, {"failures", "1"}}));
    std::vector<std::string> waves;
    for (const Json& step : planned.at("plan").at("steps")) {
        if (step.at("phase") == "activate") waves.push_back(step.at("member"));
    }
    CHECK(waves ==
          std::vector<std::string>{"web2 (standby), web4 (standby)", "web1 (active), web3 (active)"});
    const std::string operation = planned.at("operation");
    CHECK_MESSAGE(site.go(operation, {"add", "activate"}) == "activated", site.show(operation));
    CHECK_MESSAGE(site.go(operation, {"commit"}) == "committed", site.show(operation));
    const auto runs = [&](const std::string& name, const std::string& version) {
        const std::string path = testing::text_of_file(site.controller_.path(name + ".runs"));
        CHECK_MESSAGE(testing::contains(path, "/" + version + "/"), path);
    };
    for (const char* name : {"server-1", "server-2"}) runs(name, "2.0");
    for (const char* name : {"page-1", "page-2"}) runs(name, "1.0");
    CHECK(ShopSite::letters(site.web3_) == "1.0 C");
}

/// What a host runs, by its applications.
std::map<std::string, std::string> versions_on(Machine& host)
{
    std::map<std::string, std::string> versions;
    const Json answer = host.ask("Applications");
    for (const Json& one : answer.at("applications"))
        versions[one.at("name")] = one["image"].is_object() ? one["image"].value("version", "") : "none";
    return versions;
}

std::vector<std::string> switched_in(const Json& planned)
{
    std::vector<std::string> all;
    for (const Json& step : planned.at("plan").at("steps"))
        if (step.at("phase") == "activate") all.push_back(step.at("member"));
    return all;
}

TEST_CASE("two pairs that serve on each other's standby are upgraded together host by host, and led back")
{
    ShopSite site(ShopSite::RunBy::supervisor, ShopSite::Pages::crossed);
    site.install({"1.0"});
    site.publish({"2.0"});
    const Json planned = site.plan("2.0", true, "servers,pages");
    REQUIRE_MESSAGE(planned.at("operation").is_string(), planned.at("findings").dump(1));
    CHECK(switched_in(planned) ==
          std::vector<std::string>{"web2 (active and standby)", "web1 (active and standby)"});
    const std::string operation = planned.at("operation");
    const auto all_run = [&](const std::string& version) {
        CHECK(versions_on(site.web1_) ==
              std::map<std::string, std::string>{{"page-2", version}, {"server-1", version}});
        CHECK(versions_on(site.web2_) ==
              std::map<std::string, std::string>{{"page-1", version}, {"server-2", version}});
    };
    CHECK_MESSAGE(site.go(operation, {"add", "activate"}) == "activated", site.show(operation));
    all_run("2.0");
    // The host that had its turn first serves all of them.
    site.await_service("server-2");
    site.await_service("page-1");
    CHECK_MESSAGE(site.go(operation, {"abort"}) == "aborted", site.show(operation));
    all_run("1.0");
    CHECK(ShopSite::letters(site.web1_) == "1.0 C");
    CHECK(ShopSite::letters(site.web2_) == "1.0 C");
    const std::string second = site.plan("2.0", true, "pages,servers").at("operation");
    CHECK_MESSAGE(site.go(second, {"add", "activate", "commit"}) == "committed", site.show(second));
    all_run("2.0");
    CHECK(site.plan("2.0", true, "servers,pages").at("plan").at("steps").empty());
}

TEST_CASE("of crossed pairs that are run by other means never two of one are started anew at once")
{
    ShopSite site(ShopSite::RunBy::driver, ShopSite::Pages::crossed);
    site.install({"1.0"});
    site.publish({"2.0"});
    const auto restarts = [&] {
        const std::string all = testing::text_of_file(site.controller_.path("restarts"));
        std::filesystem::remove(site.controller_.path("restarts"));
        return all;
    };
    const std::string operation = site.plan("2.0", true, "servers,pages").at("operation");
    CHECK_MESSAGE(site.go(operation, {"add", "activate"}) == "activated", site.show(operation));
    CHECK(restarts() == "server-2\npage-1\npage-2\nserver-1\n");
    CHECK_MESSAGE(site.go(operation, {"abort"}) == "aborted", site.show(operation));
    CHECK(restarts() == "server-1\npage-2\npage-1\nserver-2\n");
    CHECK_FALSE(std::filesystem::exists(site.controller_.path("both-at-once")));

    INFO("where the standby takes over from its own side, it does before its other one has its turn");
    std::ofstream(site.controller_.path("takes")) << "";
    const Json planned = site.plan("2.0", true, "servers,pages");
    const std::string second = planned.at("operation");
    CHECK_MESSAGE(site.go(second, {"add", "activate", "commit"}) == "committed", site.show(second));
    CHECK_FALSE(std::filesystem::exists(site.controller_.path("both-at-once")));

    INFO("what cannot be told apart by hosts is not left out alone");
    CHECK(
        site.controller_.face()
            .call("Plan", {{"procedure", "pair.upgrade"},
                           {"arguments", {{"pair", "servers,pages"}, {"version", "1.0"}, {"failures", "1"}}}})
            .error()
            .what == "servers, pages have hosts in common, so none of them can fail alone");
}

}  // namespace
}  // namespace belay::daemon
