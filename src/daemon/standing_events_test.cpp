#include "daemon/standing_events.h"

#include "base/testing/must.h"
#include "framework/configuration/testing/sample.h"

#include <doctest/doctest.h>

namespace belay::daemon {
namespace {

using framework::configuration::sample_site;
using framework::configuration::site_of;
using std::chrono::days;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Milliseconds midday{1'700'000'000'000};  ///< 2023-11-14

struct Stage {
    StandingEvents events;
    StandingEvents::Look look;
    Milliseconds now = midday;

    explicit Stage(const std::string& toml = "")
    {
        look.configuration =
            std::make_shared<const framework::configuration::Configuration>(site_of(sample_site + toml));
    }
    /// "05-00036 web1: the connection ..." of what is no good news, or of all.
    std::string after(Milliseconds span, bool all = true)
    {
        now += span;
        std::vector<std::string> lines;
        for (const framework::messages::Message& message : events.take(look, now)) {
            if (!all && message.level != framework::messages::Level::alarm) continue;
            lines.push_back(fmt::format("{} {}/{}: {}", to_text(message.id), message.host,
                                        message.application, message.text));
        }
        return fmt::format("{}", fmt::join(lines, "; "));
    }
    void host_is(const std::string& state, Milliseconds since, const std::string& why = "")
    {
        look.hosts = Json::array(
            {{{"name", "h1"}, {"presence", {{"state", state}, {"since_ms", since.count()}, {"why", why}}}}});
    }
};

Json line(const std::string& name, const std::string& phase, Milliseconds since = midday)
{
    return {{"name", name},
            {"host", "h1"},
            {"phase", phase},
            {"wanted", "running"},
            {"since_ms", since.count()},
            {"reason", "it crashed"}};
}

TEST_CASE("a host that goes is told of at once, and again when it is away for too long")
{
    Stage stage;
    stage.host_is("attached", midday);
    CHECK(stage.after(seconds(0), false).empty());
    CHECK(stage.after(seconds(1)).empty());
    stage.host_is("gone", midday + seconds(2), "reset");
    CHECK(stage.after(seconds(1)) == "05-00036 h1/: the connection to h1 is gone: reset");
    CHECK(stage.events.next() == std::optional(midday + seconds(32)));
    CHECK(stage.after(seconds(29)).empty());
    CHECK(stage.after(seconds(1)) == "05-00032 h1/: h1 is away for longer than 30 s");
    CHECK(stage.events.next() == std::optional(midday + seconds(2) + StandingEvents::told_again_after));
    CHECK(stage.after(StandingEvents::told_again_after - seconds(1)) ==
          "05-00036 h1/: the connection to h1 is gone: reset");
    stage.host_is("attached", midday + seconds(40));
    CHECK(stage.after(seconds(8)) ==
          "05-00037 h1/: the connection to h1 is there; 05-00033 h1/: h1 is there");
    stage.host_is("silent", midday + seconds(50));
    CHECK(stage.after(seconds(10)) ==
          "05-00036 h1/: the connection to h1 is silent; 05-00030 h1/: h1 is connected and does not answer");
}

TEST_CASE("a host that has never come is unreachable after as long as it may be away")
{
    Stage stage;
    stage.host_is("never", Milliseconds{0});
    CHECK(stage.after(seconds(0), false).empty());
    CHECK(stage.events.next() == std::optional(midday + seconds(30)));
    CHECK(stage.after(seconds(30)) == "05-00034 h1/: h1 has not come for 30 s");
    CHECK(stage.after(seconds(30)).empty());
}

TEST_CASE("an application that has failed is told of, with why, and that it is well again")
{
    Stage stage;
    stage.look.applications = Json::array({line("stat server", "failed")});
    CHECK(stage.after(seconds(0)) == "03-00020 h1/stat server: stat server has failed: it crashed");
    stage.look.applications = Json::array({line("stat server", "starting")});
    CHECK(stage.after(seconds(1)).empty());
    stage.look.applications = Json::array({line("stat server", "started")});
    CHECK(stage.after(seconds(1)) == "03-00010 h1/stat server: stat server is started");
}

TEST_CASE("a licence is told of two weeks before its end, and at its end")
{
    Stage stage(R"(
[application.billed]
host = "h2"
command = ["/usr/bin/billed"]
prerequisites = [{ kind = "file", path = "/etc/billed.licence", valid_until = "2023-12-31" }]
)");
    CHECK(stage.after(seconds(0), false).empty());
    // The last day counts whole.
    const Milliseconds end = std::chrono::sys_days(std::chrono::year(2024) / 1 / 1).time_since_epoch();
    CHECK(stage.events.next() == std::optional(end - days(14)));
    CHECK(stage.after(end - days(14) - midday) ==
          "03-00040 h2/billed: /etc/billed.licence of billed is valid until 2023-12-31");
    CHECK(stage.events.next() == std::optional(end - days(14) + StandingEvents::told_again_after));
    CHECK(stage.after(days(14)) ==
          "03-00040 h2/billed: /etc/billed.licence of billed has ended after 2023-12-31");
}

TEST_CASE("a host that can keep no messages is told of, and that it can again")
{
    Stage stage;
    stage.look.keeping = {{"h1", nullptr}};
    CHECK(stage.after(seconds(0), false).empty());
    stage.look.keeping = {{"h1", "no space left on device"}};
    CHECK(stage.after(seconds(1)) == "01-00020 h1/: h1 keeps no messages: no space left on device");
    stage.look.keeping = {{"h1", nullptr}};
    CHECK(stage.after(seconds(1)) == "01-00021 h1/: h1 keeps messages");
}

TEST_CASE(
    "an application of which nothing is heard is down when that has lasted as long as its host may be away")
{
    Stage stage;
    const auto stands = [&](const std::string& whole, const std::string& phase) {
        Json member = line("config server", phase);
        member["mandatory"] = true;
        stage.look.applications = Json::array({member});
        stage.look.solutions = Json::array(
            {{{"name", "reporting"}, {"stands", whole}, {"applications", Json::array({member})}}});
    };
    // Its supervisor begins.
    stands("stopped", "unknown");
    CHECK(stage.after(seconds(0)).empty());
    CHECK(stage.events.next() == std::optional(midday + seconds(30)));
    stands("starting", "starting");
    CHECK(stage.after(seconds(1)).empty());
    stands("started", "started");
    CHECK(stage.after(seconds(1), false).empty());
    // Its host is away for a moment, and then for long.
    stands("stopped", "unknown");
    CHECK(stage.after(seconds(1), false).empty());
    stands("started", "started");
    CHECK(stage.after(seconds(29), false).empty());
    stands("stopped", "unknown");
    CHECK(stage.after(seconds(1), false).empty());
    CHECK(stage.after(seconds(29), false).empty());
    CHECK(stage.after(seconds(1)) ==
          "04-00030 /reporting: the solution reporting is stopped: config server; "
          "04-00032 /reporting: nobody asked for it: config server is unknown");
    stands("started", "started");
    CHECK(stage.after(seconds(1)) ==
          "04-00031 /reporting: the solution reporting is started; "
          "04-00033 /reporting: the solution reporting is started");
}

TEST_CASE("a solution that cannot serve, and one that moved though nobody asked for it")
{
    Stage stage;
    const auto stands = [&](const std::string& whole, Json member) {
        member["mandatory"] = true;
        stage.look.applications = Json::array({member});
        stage.look.solutions = Json::array(
            {{{"name", "reporting"}, {"stands", whole}, {"applications", Json::array({member})}}});
    };
    stands("started", line("config server", "started"));
    CHECK(stage.after(seconds(0), false).empty());
    // A person has stopped it: it is not wanted any more.
    Json stopped = line("config server", "stopped");
    stopped["wanted"] = "stopped";
    stands("stopped", stopped);
    CHECK(stage.after(seconds(1), false).empty());
    stands("started", line("config server", "started"));
    CHECK(stage.after(seconds(1), false).empty());
    // A person has asked for a restart.
    Json restarted = line("config server", "starting", stage.now);
    restarted["asked"] = {{"at_ms", (stage.now - seconds(1)).count()}};
    stands("starting", restarted);
    CHECK(stage.after(seconds(1), false).empty());
    stands("started", line("config server", "started"));
    CHECK(stage.after(seconds(1), false).empty());
    stands("impaired", line("config server", "failed"));
    CHECK(stage.after(seconds(1)) ==
          "03-00020 h1/config server: config server has failed: it crashed; "
          "04-00030 /reporting: the solution reporting is impaired: config server; "
          "04-00032 /reporting: nobody asked for it: config server is failed");
    CHECK(stage.after(minutes(1)).empty());
    stands("started", line("config server", "started"));
    CHECK(stage.after(seconds(1)) ==
          "03-00010 h1/config server: config server is started; "
          "04-00031 /reporting: the solution reporting is started; "
          "04-00033 /reporting: the solution reporting is started");
}

TEST_CASE("what another version tells otherwise is left out, and nothing else is lost by it")
{
    Stage stage;
    stage.look.hosts = {{{"name", 7}, {"presence", {{"state", 1}}}}};
    stage.look.applications = {{{"name", nullptr}, {"phase", "failed"}}, line("stat server", "failed")};
    CHECK(stage.after(seconds(0), false).contains("stat server has failed"));
}

}  // namespace
}  // namespace belay::daemon
