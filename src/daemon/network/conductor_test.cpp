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
    return "[host.web1]\naddress = \"127.0.0.1\"\nlost_after = \"5s\"\n[host.web2]\naddress = \"127.0.0.1\"\n"
           "lost_after = \"1500ms\"\n" +
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
    /// Until the application is so, as that machine tells it.
    Json await_that(Machine& asked, const std::string& name, const std::function<bool(const Json&)>& is_so)
    {
        const auto until = std::chrono::steady_clock::now() + 20s;
        Json one = application(asked, name);
        while (!one.is_object() || !is_so(one)) {
            REQUIRE_MESSAGE(std::chrono::steady_clock::now() < until, one.dump(1));
            usleep(10'000);
            one = application(asked, name);
        }
        return one;
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
    // A host that is away: what is known stays until the host counts as lost, and is said as what was then.
    const auto stopped = std::chrono::steady_clock::now();
    site.web2_.stop();
    const Json away = site.await_that(site.controller_, "config",
                                      [](const Json& one) { return one.contains("host_away"); });
    CHECK(away["phase"] == "started");
    CHECK(away["reason"] == "as last known: its host is away");
    CHECK(away["host_away"]["lost"] == false);
    site.await(site.controller_, {{"config", "unknown"}});
    CHECK(std::chrono::steady_clock::now() - stopped >= 1500ms);
    const Json lost = site.application(site.controller_, "config");
    CHECK(lost["reason"] == "was started when its host was last heard");
    CHECK(lost["host_away"]["lost"] == true);
    CHECK(site.controller_.ask("ApplicationShow", {{"application", "config"}})["use"].is_null());
    CHECK(site.controller_.face()
              .call("ApplicationOrder", {{"application", "config"}, {"want", "stopped"}})
              .error()
              .kind == ErrorKind::unavailable);
    CHECK(site.controller_.face()
              .call("ApplicationOrder", {{"application", "nobody"}, {"want", "stopped"}})
              .error()
              .what == "there is no application \"nobody\" in this site");
}

TEST_CASE(
    "a controller that has just begun to lead says what it does not know, and takes from no host what it "
    "does")
{
    Stack site;
    site.controller_.keep_address();
    CHECK(site.move("start")["problems"].empty());
    site.await(site.controller_, {{"page", "started"}, {"config", "started"}, {"licence", "started"}});
    // web1 goes as well, so that the next controller has heard of nobody's licence when config is started.
    site.controller_.stop();
    site.web1_.stop();
    site.controller_.start({});
    site.await(site.controller_, {{"config", "started"}, {"licence", "unknown"}});
    const Json licence = site.application(site.controller_, "licence");
    CHECK(licence["reason"] == "its host has not been heard since this controller leads");
    CHECK(licence["host_away"]["was_heard"] == false);
    CHECK(licence["host"] == "web1");
    // It needs the licence, which its host knows to be started.
    const pid_t before = site.application(site.web2_, "config")["pid"];
    CHECK(site.controller_.face()
              .call("ApplicationOrder", {{"application", "config"}, {"want", "running"}, {"restart", true}})
              .has_value());
    site.await_that(site.web2_, "config",
                    [&](const Json& one) { return one["phase"] == "started" && one["pid"] != before; });
    // Until the host that does not come counts as lost.
    CHECK(site.application(site.controller_, "licence")["host_away"]["lost"] == false);
    site.await_that(site.controller_, "licence",
                    [](const Json& one) { return one["host_away"]["lost"] == true; });
    CHECK(site.controller_.face()
              .call("ApplicationOrder", {{"application", "config"}, {"want", "running"}, {"restart", true}})
              .has_value());
    CHECK(site.await_that(site.web2_, "config", [](const Json& one) {
        return one["phase"] == "waiting";
    })["reason"] == "waits for application licence");
    site.web1_.start({});
    site.await(site.controller_, {{"licence", "started"}, {"config", "started"}, {"page", "started"}});
    CHECK_FALSE(site.application(site.controller_, "licence").contains("host_away"));
}

/// The operation that a plan with these parameters becomes, in one go.
void carry_out(Machine& controller, const Json& arguments)
{
    const Json planned = controller.ask("Plan", {{"procedure", "config.maintenance"},
                                                 {"arguments", arguments},
                                                 {"keep", true},
                                                 {"one_shot", true},
                                                 {"why", "new memory"}});
    REQUIRE(planned["refused"] == false);
    const std::string operation = planned["operation"];
    controller.ask("Request", {{"operation", operation}, {"verb", "add"}});
    CHECK(controller.rest(operation, false) == "committed");
}

TEST_CASE(
    "a host in maintenance has its applications stopped and starts none; the others go on, and all is as "
    "before it")
{
    Stack site;
    CHECK(site.move("start")["problems"].empty());
    site.await(site.controller_, {{"page", "started"}, {"config", "started"}, {"licence", "started"}});
    const size_t begun = site.happened().size();
    const Json moves = site.controller_.ask("HostMoves", {{"host", "web1"}, {"state", "on"}});
    REQUIRE(moves["moves"].size() == 2);
    CHECK(moves["moves"][0]["application"] == "licence");
    CHECK(moves["moves"][1]["application"] == "page");
    // What is between them stays, so neither waits for the other.
    CHECK(moves["moves"][0]["step"] == 1);
    CHECK(moves["moves"][1]["step"] == 1);
    CHECK(moves["remarks"].size() == 1);
    CHECK(moves["remarks"][0] == "\"config\" on web2 needs something of it, and goes on without");
    carry_out(site.controller_, {{"host", "web1"}, {"state", "on"}});
    site.await(site.controller_, {{"page", "stopped"}, {"config", "started"}, {"licence", "stopped"}});
    std::vector<std::string> happened = site.happened();
    happened.erase(happened.begin(), happened.begin() + static_cast<std::ptrdiff_t>(begun));
    CHECK(std::ranges::count(happened, "page ended") == 1);
    CHECK(std::ranges::count(happened, "licence ended") == 1);
    CHECK(std::ranges::count(happened, "config told to stop") == 0);
    const Json page = site.application(site.controller_, "page");
    CHECK(page["reason"] == "its host is in maintenance");
    CHECK(page["wanted_after"] == "running");
    const auto refused =
        site.controller_.face().call("ApplicationOrder", {{"application", "page"}, {"want", "running"}});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ErrorKind::refused);
    CHECK(refused.error().next == "belay host maintenance 'web1' off");
    const auto maintained = [&](Machine& machine) {
        const Json status = machine.status();
        for (const Json& host : status["place"]["controller"]["hosts"]) {
            if (host["name"] == "web1") return host["maintenance"].get<bool>();
        }
        return false;
    };
    CHECK(maintained(site.controller_));
    CHECK(site.web1_.status()["maintenance"] == true);
    CHECK(site.controller_.ask("ConfigHistory")["versions"].back()["why"] == "new memory");
    // Asked twice it is so already; a host that there is not is refused.
    CHECK(
        site.controller_.ask("Plan", {{"procedure", "config.maintenance"},
                                      {"arguments", {{"host", "web1"}, {"state", "on"}}}})["plan"]["title"] ==
        "The host web1 is in maintenance already");
    CHECK(site.controller_.face().call("HostMoves", {{"host", "web9"}, {"state", "on"}}).error().kind ==
          ErrorKind::not_found);
    // Also after the host was started anew, without a word of the controller.
    site.web1_.stop();
    site.web1_.start({});
    site.await(site.web1_, {{"page", "stopped"}, {"licence", "stopped"}});
    carry_out(site.controller_, {{"host", "web1"}, {"state", "off"}});
    site.await(site.controller_, {{"page", "started"}, {"config", "started"}, {"licence", "started"}});
    CHECK_FALSE(maintained(site.controller_));
}

TEST_CASE(
    "the controller shows each host with its load, by asking it; one that is away as far as it is known")
{
    Stack site;
    CHECK(site.move("start")["problems"].empty());
    site.await(site.controller_, {{"page", "started"}, {"config", "started"}, {"licence", "started"}});
    const Json shown = site.controller_.ask("HostShow", {{"host", "web2"}});
    CHECK(shown["name"] == "web2");
    CHECK(shown["presence"]["state"] == "attached");
    CHECK(shown["load"]["processor"]["count"] >= 1);
    CHECK(shown["load"]["processes"]["of_applications"] >= 1);
    REQUIRE(shown["applications"].size() == 1);
    CHECK(shown["applications"][0]["name"] == "config");
    CHECK(site.controller_.ask("ApplicationShow", {{"application", "config"}})["use"]["memory"] > 100'000);
    CHECK(site.controller_.ask("HostShow")["load"]["memory"]["total"] > 0);
    CHECK(site.controller_.face().call("HostShow", {{"host", "web9"}}).error().kind == ErrorKind::not_found);
    CHECK(site.web1_.face().call("HostShow", {{"host", "web2"}}).error().kind == ErrorKind::not_found);

    const Json whole = site.controller_.ask("Status", {{"whole", true}});
    CHECK(whole["applications"].size() == 3);
    CHECK(whole["solutions"][0]["stands"] == "started");
    CHECK(whole["operations"]["unfinished"].empty());
    CHECK(whole["load"]["processor"]["count"] >= 1);
    for (const Json& host : whole["place"]["controller"]["hosts"]) CHECK(host["load"]["memory"]["total"] > 0);
    CHECK_FALSE(site.controller_.status().contains("applications"));

    // Whoever follows it hears of an application at once, and of the load by and by.
    std::vector<int64_t> looked_at;
    bool has_stopped = false;
    CHECK(site.web1_.face()
              .call("ApplicationOrder", {{"application", "page"}, {"want", "stopped"}})
              .has_value());
    const auto until = std::chrono::steady_clock::now() + 30s;
    const TimeLimit limit(site.controller_.face(), until);
    const auto followed =
        site.controller_.face().stream("Status", {{"whole", true}}, [&](const Json& status) {
            for (const Json& one : status["applications"])
                has_stopped = has_stopped || (one["name"] == "page" && one["phase"] == "stopped");
            const Json& load = status["place"]["controller"]["hosts"][0]["load"];
            if (!load.is_null() && (looked_at.empty() || looked_at.back() != load["at_ms"]))
                looked_at.push_back(load["at_ms"]);
            return (!has_stopped || looked_at.size() < 2) && std::chrono::steady_clock::now() < until;
        });
    CHECK(followed);
    CHECK(has_stopped);
    CHECK(looked_at.size() >= 2);
    site.controller_.forget_face();

    site.web2_.stop();
    site.await_that(site.controller_, "config", [](const Json& one) { return one.contains("host_away"); });
    const Json away = site.controller_.ask("HostShow", {{"host", "web2"}});
    CHECK(away["load"].is_null());
    CHECK_FALSE(away["problem"].get<std::string>().empty());
    CHECK(away["applications"][0]["name"] == "config");
}

/// Two servers of a pair, on two of three hosts.
class PairedSite {
  public:
    explicit PairedSite(bool has_third = true)
    {
        controller_.make_controller();
        configure(controller_, text("web2"));
        std::vector<std::pair<std::string, Machine*>> hosts = {{"web1", &web1_}, {"web2", &web2_}};
        if (has_third) hosts.emplace_back("web3", &web3_);
        for (const auto& [name, host] : hosts) join(controller_, *host, {{"name", name}});
        for (const auto& [name, host] : hosts) host->start({});
    }

    void third_comes()
    {
        join(controller_, web3_, {{"name", "web3"}});
        web3_.start({});
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
               "\"1000\"]\nprerequisites = [{ kind = \"application\", application = \"server-1\" }]\n"
               "[solution.both]\napplications = [{ application = \"server-1\" }]\n";
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
    const Json moves = site.controller_.ask("SolutionMoves", {{"solution", "both"}, {"verb", "move"}});
    CHECK(moves["moves"][0]["why"] == "server-1 on web1 would serve");
    // Who needs the one of a pair needs the pair. Its host may have been the last to come.
    REQUIRE(site.web3_.await_status(is_attached));
    const auto until = std::chrono::steady_clock::now() + 20s;
    while (!PairedSite::own(site.web3_, "page").is_object()) {
        REQUIRE(std::chrono::steady_clock::now() < until);
        usleep(2'000);
    }
    site.controller_.ask("ApplicationOrder", {{"application", "page"}, {"want", "running"}});
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

TEST_CASE("a pair without a third host serves, and says what it lacks until one comes")
{
    PairedSite site(false);
    CHECK(site.await_service("server-1")["problem"] ==
          "it has no third host: where one of the two is lost, the other does not serve");
    kill(PairedSite::own(site.web1_, "server-1")["pid"], SIGKILL);
    site.await_service("server-2");
    site.third_comes();
    const auto until = std::chrono::steady_clock::now() + 30s;
    while (!site.pair()["problem"].get<std::string>().empty())
        REQUIRE_MESSAGE(std::chrono::steady_clock::now() < until, site.pair().dump(1));
    // Now it does.
    site.web2_.cut_supervisor();
    PairedSite::await_role(site.web1_, "server-1", "primary");
    site.web2_.mend_supervisor();
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
