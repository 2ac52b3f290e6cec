// Alarms of a site that its hosts give cause for: what is said there, and whether it can be kept.

#include "daemon/network/testing/saying.h"

namespace belay::daemon {
namespace {

using namespace testing;

constexpr const char* logins_alarm = R"(
[alarm.logins]
severity = "major"
detect = { event = "20-00010" }
clear = { event = "20-00011" }
)";

/// A controller that raises alarms, and a host.
class AlarmedSite {
  public:
    explicit AlarmedSite(bool is_configured = true)
    {
        controller.make_controller();
        controller.begin();
        controller.keep_address();
        join(controller, web1, {{"name", "web1"}});
        web1.begin();
        REQUIRE(web1.await_status(is_attached));
        if (is_configured) configure(controller, logins_alarm);
    }

    void say(const std::string& id, const std::string& text)
    {
        const Json message = {{"id", id},
                              {"level", "alarm"},
                              {"application", "shop"},
                              {"host", "somebody else"},
                              {"text", text}};
        need(web1.messages()->call("Put", {{"messages", {message}}}));
    }
    /// Until the host knows the conditions, and its message server what to look out for.
    void listen()
    {
        const Json version = controller.status().at("configuration").at("version");
        await("the host knows the conditions", [&] {
            return web1.status().at("place").at("link").at("configuration").at("version") == version;
        });
        web1.ask("Messages");
    }
    std::vector<Json> alarms(const std::string& name)
    {
        std::vector<Json> found;
        const Json all = controller.ask("AlarmList", {{"all", true}}).at("alarms");
        for (const Json& alarm : all) {
            if (alarm.at("alarm") == name) found.push_back(alarm);
        }
        return found;
    }

    Saying controller, web1;
};

TEST_CASE(
    "what a host says raises an alarm at its controller, counts, and ends it; what was said while no "
    "controller "
    "was there comes too, once")
{
    AlarmedSite site;
    site.listen();
    site.say("20-00010", "the first");
    await("it is raised", [&] { return !site.alarms("logins").empty(); });
    const Json first = site.alarms("logins")[0];
    CHECK(first.at("host") == "web1");
    CHECK(first.at("application") == "shop");
    const auto count = [&] { return site.alarms("logins")[0].at("count").get<int>(); };
    const int before = count();
    site.say("20-00010", "again");
    await("it is counted", [&] { return count() == before + 1; });

    site.controller.kill();
    for (int i = 0; i < 3; ++i) site.say("20-00010", fmt::format("alone {}", i));
    site.controller.begin();
    await("what was said meanwhile is counted", [&] { return count() >= before + 4; });
    site.controller.kill();
    site.controller.begin();
    site.say("20-00011", "it is well");
    await("it ends", [&] { return site.alarms("logins")[0].at("state") == "cleared"; });
    CHECK(count() == before + 4);
    CHECK(site.alarms("logins").size() == 1);
}

TEST_CASE("what was said long before a condition names it raises nothing")
{
    AlarmedSite site(false);
    site.web1.ask("Messages");
    constexpr int64_t hour_ms = 3'600'000;
    const int64_t now_ms = time(nullptr) * int64_t{1000};
    const auto said = [&](int64_t at_ms, const char* text) {
        const Json message = {{"id", "20-00010"}, {"level", "alarm"}, {"text", text}, {"at_ms", at_ms}};
        need(site.web1.messages()->call("Put", {{"messages", {message}}}));
    };
    for (int i = 0; i < 3; ++i) said(now_ms - hour_ms, "long ago");
    configure(site.controller, logins_alarm);
    site.listen();
    said(now_ms, "now");
    await("it is raised", [&] { return !site.alarms("logins").empty(); });
    CHECK(site.alarms("logins")[0].at("count") == 1);
    CHECK(site.alarms("logins")[0].at("text") == "now");
}

TEST_CASE("ten thousand events at once are one alarm that counts each of them")
{
    AlarmedSite site;
    site.listen();
    std::vector<Json> storm(
        10'000, {{"id", "20-00010"}, {"level", "alarm"}, {"text", "no"}, {"application", "shop"}});
    need(site.web1.messages()->call("Put", {{"messages", storm}}));
    await("all are counted", [&] {
        const auto alarms = site.alarms("logins");
        return !alarms.empty() && alarms[0].at("count") == storm.size();
    });
    CHECK(site.alarms("logins").size() == 1);
}

TEST_CASE(
    "a store of messages that begins anew, at number 1, is heard from its beginning, and nothing counts "
    "twice")
{
    AlarmedSite site;
    site.listen();
    const auto count = [&] {
        const std::vector<Json> alarms = site.alarms("logins");
        return alarms.empty() ? 0 : alarms[0].at("count").get<int>();
    };
    for (int i = 0; i < 20; ++i) site.say("20-00010", fmt::format("before {}", i));
    await("all are counted", [&] { return count() == 20; });
    need(site.web1.messages()->call("End", Json::object()));
    const std::string socket = site.web1.path("messages.sock");
    await("the message server is gone", [&] { return access(socket.c_str(), F_OK) != 0; });
    // Its last files go by themselves when it closes the store, behind its socket.
    await("its store is removed", [&] {
        std::error_code not_yet;
        std::filesystem::remove_all(site.web1.state() + "/messages/store", not_yet);
        return !not_yet;
    });
    site.web1.ask("Messages");
    for (int i = 0; i < 2; ++i) site.say("20-00010", fmt::format("after {}", i));
    await("what came since is counted", [&] { return count() == 22; });
    site.controller.kill();
    site.controller.begin();
    site.say("20-00010", "the last");
    await("it is counted", [&] { return count() == 23; });
    CHECK(site.alarms("logins").size() == 1);
}

TEST_CASE("a host that can keep no messages is an alarm of its controller, until it can again")
{
    AlarmedSite site;
    site.web1.ask("Messages");
    need(site.web1.messages()->call("End", Json::object()));
    const std::string socket = site.web1.path("messages.sock");
    await("the message server is gone", [&] { return access(socket.c_str(), F_OK) != 0; });
    // Nobody can listen there now.
    REQUIRE(mkdir(socket.c_str(), 0700) == 0);
    await("it is raised", [&] { return !site.alarms("message-store-lost").empty(); });
    const Json alarm = site.alarms("message-store-lost")[0];
    CHECK(alarm.at("host") == "web1");
    CHECK(alarm.at("severity") == "critical");
    REQUIRE(rmdir(socket.c_str()) == 0);
    await("it ends", [&] { return site.alarms("message-store-lost")[0].at("state") == "cleared"; });
}

TEST_CASE(
    "a host that is killed is an alarm of its controller: of its connection at once, of itself after its "
    "time")
{
    AlarmedSite site;
    configure(site.controller, "[host.web1]\naddress = \"127.0.0.1\"\nlost_after = \"3s\"\n");
    site.web1.kill();
    await("the connection is told of", [&] { return !site.alarms("connection-lost").empty(); });
    await("the host is told of", [&] { return !site.alarms("host-unavailable").empty(); });
    CHECK(site.alarms("host-unavailable")[0].at("host") == "web1");
    site.web1.begin();
    await("both end", [&] {
        return site.alarms("host-unavailable")[0].at("state") == "cleared" &&
               site.alarms("connection-lost")[0].at("state") == "cleared";
    });
}

}  // namespace
}  // namespace belay::daemon
