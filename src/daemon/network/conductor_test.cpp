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

/// Two servers of a pair, on two of three hosts.
class PairedSite {
  public:
    PairedSite()
    {
        controller_.make_controller();
        configure(controller_, text("web2"));
        for (const auto& [name, host] : hosts()) join(controller_, *host, {{"name", name}});
        for (const auto& [name, host] : hosts()) host->start({});
    }

    std::vector<std::pair<std::string, Machine*>> hosts()
    {
        return {{"web1", &web1_}, {"web2", &web2_}, {"web3", &web3_}};
    }
    std::string text(const std::string& second) const
    {
        std::string all;
        for (const char* host : {"web1", "web2", "web3"})
            all += fmt::format("[host.{}]\naddress = \"127.0.0.1\"\n", host);
        const auto server = [&](int number, const std::string& host) {
            return fmt::format(
                "[application.server-{0}]\nhost = \"{1}\"\ncommand = [\"{2}\", \"--name\", "
                "\"server-{0}\", \"--act-every\", \"2\", \"--trace\", \"{3}\"]\n",
                number, host, TEST_STAND_IN, controller_.path("trace"));
        };
        return all + server(1, "web1") +
               "readiness = { kind = \"notify\" }\norders = { kind = \"pipe\" }\nautorestart = \"always\"\n" +
               server(2, second) +
               "[pair.servers]\nprimary = \"server-1\"\nbackup = \"server-2\"\nredundancy = \"hot\"\nlease = "
               "\"200ms\"\n[application.page]\nhost = \"web3\"\nautostart = false\ncommand = [\"sleep\", "
               "\"1000\"]\nprerequisites = [{ kind = \"application\", application = \"server-1\" }]\n";
    }

    Json pair() { return controller_.ask("Pairs")["pairs"][0]; }
    Json await_service(const std::string& name)
    {
        const auto until = std::chrono::steady_clock::now() + 30s;
        while (true) {
            const Json now = pair();
            const auto& sides = now["applications"];
            const Json& other = sides[sides[0]["name"] == name ? 1 : 0];
            if (now["serves"] == name && other["phase"] == "started") return now;
            REQUIRE_MESSAGE(std::chrono::steady_clock::now() < until, now.dump(1));
            usleep(2'000);
        }
    }
    static Json own(Machine& machine, const std::string& name)
    {
        const Json answer = machine.ask("Applications");
        for (const Json& one : answer.at("applications")) {
            if (one.at("name") == name) return one;
        }
        return {};
    }
    static void await_role(Machine& machine, const std::string& name, const std::string& role)
    {
        const auto until = std::chrono::steady_clock::now() + 20s;
        while (own(machine, name)["role"] != role || own(machine, name)["phase"] != "started") {
            REQUIRE_MESSAGE(std::chrono::steady_clock::now() < until, own(machine, name).dump(1));
            usleep(2'000);
        }
    }

    Machine controller_, web1_, web2_, web3_;
};

TEST_CASE(
    "a pair over two hosts: one serves, another one after a switch-over, a crash, and without a controller")
{
    PairedSite site;
    site.await_service("server-1");
    CHECK(site.controller_.ask("PairSwitch", {{"pair", "servers"}, {"dry_run", true}})["to"] == "server-2");
    const Json done = site.controller_.ask("PairSwitch", {{"pair", "servers"}});
    CHECK(done["from"] == "server-1");
    site.await_service("server-2");
    // Who needs the one of a pair needs the pair.
    CHECK(site.controller_.face()
              .call("ApplicationOrder", {{"application", "page"}, {"want", "running"}})
              .has_value());
    PairedSite::await_role(site.web3_, "page", "none");
    kill(PairedSite::own(site.web2_, "server-2")["pid"], SIGKILL);
    site.await_service("server-1");
    CHECK(site.controller_.face().call("PairSwitch", {{"pair", "page"}}).error().what ==
          "there is no pair \"page\", and no application of a pair");

    site.controller_.keep_address();
    site.controller_.stop();
    kill(PairedSite::own(site.web1_, "server-1")["pid"], SIGKILL);
    PairedSite::await_role(site.web2_, "server-2", "primary");
    PairedSite::await_role(site.web1_, "server-1", "backup");
    // As if that host were away.
    site.web2_.cut_supervisor();
    PairedSite::await_role(site.web1_, "server-1", "primary");
    site.web2_.mend_supervisor();
    site.controller_.start({});
    site.await_service("server-1");
}

TEST_CASE("the hosts of a pair are exchanged, and those of before vote no more")
{
    PairedSite site;
    // A third voter may come only after the two.
    const auto until = std::chrono::steady_clock::now() + 30s;
    while (site.await_service("server-1")["applications"][0]["pair"]["hosts"].size() != 3)
        REQUIRE_MESSAGE(std::chrono::steady_clock::now() < until, site.pair().dump(1));
    const uint64_t before = site.pair()["applications"][0]["pair"]["epoch"];
    configure(site.controller_, site.text("web3"));
    // Both have lost their lease meanwhile, and either may be the first to have the next one.
    const auto is_settled = [&] {
        Json now = site.pair();
        bool settled = now["serves"].is_string() && now["applications"][1]["host"] == "web3";
        for (Json& one : now["applications"])
            settled = settled && one["phase"] == "started" && one["pair"]["epoch"] > before &&
                      one["pair"]["hosts"].size() == 3;
        return settled;
    };
    while (!is_settled()) REQUIRE_MESSAGE(std::chrono::steady_clock::now() < until, site.pair().dump(1));
    const auto done = site.controller_.face().call("PairSwitch", {{"pair", "server-1"}});
    REQUIRE_MESSAGE(done, site.pair().dump(1));
    CHECK(done->at("from") != done->at("to"));
    site.await_service(done->at("to"));
}

}  // namespace
}  // namespace belay::daemon
