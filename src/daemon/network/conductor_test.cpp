// Applications on several hosts, which need each other, under one controller.

#include "daemon/network/testing/machine.h"

#include <map>

namespace belay::daemon {
namespace {

using namespace testing;
using namespace std::chrono_literals;

/// licence on web1, config on web2 needs it, page on web1 needs that; and a secret for each of the two hosts.
std::string stack_of(const std::string& trace)
{
    const auto application = [&](const std::string& name, const std::string& host, const std::string& needs) {
        std::string text = fmt::format(
            "[application.{0}]\nhost = \"{1}\"\nautostart = false\nreadiness = {{ kind = \"notify\" }}\n"
            "command = [\"{2}\", \"--name\", \"{0}\", \"--ready-after\", \"150\", \"--trace\", \"{3}\"]\n"
            "secret_environment = {{ SECRET = \"planted-{0}\" }}\n",
            name, host, TEST_STAND_IN, trace);
        if (!needs.empty())
            text +=
                fmt::format("prerequisites = [{{ kind = \"application\", application = \"{}\" }}]\n", needs);
        return text;
    };
    return "[host.web1]\naddress = \"127.0.0.1\"\n[host.web2]\naddress = \"127.0.0.1\"\n" +
           application("licence", "web1", "") + application("config", "web2", "licence") +
           application("page", "web1", "config") +
           "[solution.centre]\napplications = [{ application = \"page\" }, { application = \"config\" }, "
           "{ application = \"licence\" }]\n";
}

class Stack {
  public:
    Stack()
    {
        controller_.make_controller();
        configure(controller_, stack_of(controller_.path("trace")));
        join(controller_, web1_, {{"name", "web1"}});
        join(controller_, web2_, {{"name", "web2"}});
        for (Machine* host : {&web1_, &web2_}) {
            host->start({});
            REQUIRE(host->await_status([](const Json& status) {
                return is_attached(status) &&
                       status.at("place").at("link").at("configuration").at("version") == 1;
            }));
        }
    }

    Json application(Machine& asked, const std::string& name)
    {
        const Json answer = asked.ask("Applications");
        for (const Json& one : answer.at("applications")) {
            if (one.at("name") == name) return one;
        }
        return {};
    }
    void await(Machine& asked, const std::map<std::string, std::string>& phases)
    {
        const auto until = std::chrono::steady_clock::now() + 20s;
        while (true) {
            bool come = true;
            for (const auto& [name, phase] : phases) {
                const Json one = application(asked, name);
                come = come && one.is_object() && one.at("phase") == phase;
            }
            if (come) return;
            REQUIRE_MESSAGE(std::chrono::steady_clock::now() < until, asked.ask("Applications").dump(1));
            usleep(10'000);
        }
    }
    Json move(std::string_view verb)
    {
        return controller_.ask("SolutionOrder", {{"solution", "centre"}, {"verb", verb}});
    }
    /// "licence started", "licence ready", ... in the order in which it happened.
    std::vector<std::string> happened()
    {
        std::istringstream lines(text_of_file(controller_.path("trace")));
        std::vector<std::string> all;
        long time = 0, pid = 0;
        for (std::string what; lines >> time >> pid && std::getline(lines >> std::ws, what);)
            all.push_back(what);
        return all;
    }

    Machine controller_, web1_, web2_;
};

TEST_CASE("a solution over two hosts starts in its order and stops in reverse, with the secrets of each")
{
    Stack site;
    const auto stack = [](const std::string& phase) {
        return std::map<std::string, std::string>{{"licence", phase}, {"config", phase}, {"page", phase}};
    };
    site.await(site.controller_, stack("stopped"));
    const Json moves = site.controller_.ask("SolutionMoves", {{"solution", "centre"}, {"verb", "start"}});
    CHECK(moves["moves"][0]["application"] == "licence");
    CHECK(moves["moves"][1]["host"] == "web2");
    CHECK(moves["moves"][2]["step"] == 3);
    for (int round = 0; round < 3; ++round) {
        CHECK(site.move("start")["problems"].empty());
        site.await(site.controller_, stack("started"));
        CHECK(site.move("stop")["problems"].empty());
        site.await(site.controller_, stack("stopped"));
    }
    const std::vector<std::string> once = {"licence started",   "licence ready",        "config started",
                                           "config ready",      "page started",         "page ready",
                                           "page told to stop", "page ended",           "config told to stop",
                                           "config ended",      "licence told to stop", "licence ended"};
    std::vector<std::string> wanted;
    for (int round = 0; round < 3; ++round) wanted.insert(wanted.end(), once.begin(), once.end());
    CHECK(fmt::format("{}", fmt::join(site.happened(), ", ")) == fmt::format("{}", fmt::join(wanted, ", ")));
    // Asked on a host, it tells of its own.
    CHECK(site.application(site.web2_, "licence").is_null());
    CHECK(site.application(site.web2_, "config")["asked"]["why"] == "stop of the solution centre");
}

TEST_CASE("without a controller the applications go on, and are watched; with it again all is known")
{
    Stack site;
    site.controller_.keep_address();
    site.await(site.controller_, {{"licence", "stopped"}, {"config", "stopped"}, {"page", "stopped"}});
    CHECK(site.move("start")["problems"].empty());
    site.await(site.controller_, {{"page", "started"}, {"config", "started"}});
    site.controller_.stop();
    const pid_t before = site.application(site.web2_, "config")["pid"];
    kill(before, SIGKILL);
    const auto until = std::chrono::steady_clock::now() + 20s;
    while (site.application(site.web2_, "config")["pid"] == before ||
           site.application(site.web2_, "config")["phase"] != "started") {
        REQUIRE(std::chrono::steady_clock::now() < until);
        usleep(10'000);
    }
    // By hand, on the host.
    CHECK(site.web1_.face()
              .call("ApplicationOrder", {{"application", "page"}, {"want", "stopped"}})
              .has_value());
    site.await(site.web1_, {{"page", "stopped"}});
    site.controller_.start({});
    site.await(site.controller_, {{"page", "stopped"}, {"config", "started"}, {"licence", "started"}});
    // A host that is away: what is known is said as what was.
    site.web2_.stop();
    site.await(site.controller_, {{"config", "unknown"}});
    CHECK(site.application(site.controller_, "config")["reason"] ==
          "was started when its host was last heard");
    CHECK(site.controller_.face()
              .call("ApplicationOrder", {{"application", "config"}, {"want", "stopped"}})
              .error()
              .kind == ErrorKind::unavailable);
    CHECK(site.controller_.face()
              .call("ApplicationOrder", {{"application", "nobody"}, {"want", "stopped"}})
              .error()
              .what == "there is no application \"nobody\" in this site");
}

}  // namespace
}  // namespace belay::daemon
