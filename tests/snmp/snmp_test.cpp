// What SNMP managers get: belay-snmp beside Debian's snmpd and a real belayd, asked by net-snmp's commands.

#include "manager.h"

#include <atomic>
#include <grp.h>
#include <thread>

namespace belay {
namespace {

using daemon::testing::Ran;
using testing::await_that;
using testing::ManagedMachine;
using testing::own_host_name;

std::string managed_site(const std::string& more = "")
{
    return fmt::format(R"(
[host."{0}"]
address = "127.0.0.1"

[application.web]
host = "{0}"
command = ["{1}", "--name", "web"]
readiness = {{ kind = "notify" }}

[application."shop one"]
host = "{0}"
command = ["{1}", "--name", "shop"]
readiness = {{ kind = "notify" }}
autostart = false

[solution.all]
applications = [{{ application = "web" }}, {{ application = "shop one" }}]
{2}
)",
                       own_host_name(), TEST_STAND_IN, more);
}

const std::vector<std::string> where_masters_go = {"/usr/bin/env",
                                                   "LSAN_OPTIONS=suppressions=" TEST_KNOWN_LEAKS};

std::string cell(const char* column, const std::string& row)
{
    return fmt::format("{}.'{}'", column, row);
}

TEST_CASE("managers see what belay tells: by walks of both kinds, while belayd comes and goes")
{
    ManagedMachine machine;
    await_that("the sub-agent is there", [&] { return machine.value("belayConnected.0") == "false"; });
    CHECK(machine.walk().size() == 2);

    machine.configure(managed_site());
    machine.await_phase("web", "started");
    await_that("the application is seen as started",
               [&] { return machine.value(cell("belayApplicationPhase", "web")) == "started"; });
    const auto all = machine.walk();
    CHECK(machine.walk("snmpwalk").size() == all.size());
    CHECK(all.at("belayConnected.0") == "true");
    CHECK(all.at("belayDaemonVersion.0") == BELAY_VERSION);
    CHECK(all.at(cell("belayHostPresence", own_host_name())) == "self");
    const Json web = machine.application("web"), shop = machine.application("shop one");
    for (const Json& one : {web, shop}) {
        const std::string name = one.at("name");
        CHECK(all.at(cell("belayApplicationHost", name)) == one.at("host").get<std::string>());
        CHECK(all.at(cell("belayApplicationPhase", name)) == one.at("phase").get<std::string>());
        CHECK(all.at(cell("belayApplicationWant", name)) ==
              (one.at("wanted") == "running" ? "start" : "stop"));
        CHECK(all.at(cell("belayApplicationRestarts", name)) ==
              std::to_string(one.at("restarts").get<int>()));
    }
    CHECK(all.at(cell("belaySolutionApplications", "all")) == "2");
    CHECK(all.at(cell("belaySolutionStarted", "all")) == "1");
    const Json solutions = must(parse_json(machine.belay({"solution", "list", "--json"}).out));
    CHECK(all.at(cell("belaySolutionState", "all")) ==
          solutions.at("solutions")[0].at("stands").get<std::string>());

    const Ran planned =
        machine.belay({"add", "config.maintenance", "--host", own_host_name(), "--state", "on", "--json"});
    INFO(planned.said);
    await_that("the operation is seen", [&] {
        const auto now = machine.walk();
        return std::ranges::any_of(now, [](const auto& one) {
            return one.first.starts_with("belayOperationProcedure.") && one.second == "config.maintenance";
        });
    });

    machine.kill_daemon();
    await_that("nothing is told any more", [&] { return machine.walk().size() == 2; });
    CHECK(machine.value("belayConnected.0") == "false");
    CHECK(machine.belay({"app", "list"}).code == 0);
    await_that("it is told anew",
               [&] { return machine.value(cell("belayApplicationPhase", "web")) == "started"; });
}

TEST_CASE("a daemon that hangs keeps nobody waiting, and is no longer told of after a while")
{
    ManagedMachine machine;
    machine.configure(managed_site());
    await_that("it is seen", [&] { return machine.value("belayConnected.0") == "true"; });
    const pid_t hanging = machine.pid_at("run/belayd.sock");
    REQUIRE(kill(hanging, SIGSTOP) == 0);
    CHECK(machine.value("belayAgentVersion.0") == BELAY_VERSION);
    await_that("it counts as away", [&] { return machine.value("belayConnected.0") == "false"; });
    REQUIRE(kill(hanging, SIGCONT) == 0);
    await_that("it is back", [&] { return machine.value("belayConnected.0") == "true"; });
}

TEST_CASE("a master agent that is killed and started anew has everything again, time after time")
{
    ManagedMachine machine({}, where_masters_go);
    machine.configure(managed_site());
    machine.await_phase("web", "started");
    for (int round = 0; round < 3; ++round) {
        await_that("it is told",
                   [&] { return machine.value(cell("belayApplicationPhase", "web")) == "started"; });
        machine.kill_snmpd();
        machine.start_snmpd();
    }
    await_that("it is told at last",
               [&] { return machine.value(cell("belayApplicationPhase", "web")) == "started"; });
    CHECK(kill(machine.agent(), 0) == 0);
}

TEST_CASE("walks go on to their end while applications come and go under them")
{
    ManagedMachine machine;
    machine.configure(managed_site());
    machine.await_phase("web", "started");
    await_that("it is told",
               [&] { return machine.value(cell("belayApplicationPhase", "web")) == "started"; });
    for (int round = 0; round < 6; ++round) {
        const std::string extra = fmt::format(
            "[application.extra]\nhost = \"{}\"\ncommand = [\"{}\"]\n"
            "autostart = false\n",
            own_host_name(), TEST_STAND_IN);
        std::atomic<bool> done = false;
        std::atomic<int> walks = 0, wrong = 0;
        std::thread walker([&] {
            while (!done) {
                if (machine.ask("snmpbulkwalk", {"belayMIB"}).code != 0) ++wrong;
                ++walks;
            }
        });
        machine.configure(round % 2 == 0 ? managed_site(extra) : managed_site());
        done = true;
        walker.join();
        CHECK(wrong == 0);
        CHECK(walks > 0);
    }
}

TEST_CASE("alarms and applications are notified, as traps and as informs")
{
    ManagedMachine machine({}, where_masters_go, ManagedMachine::Receiver::there);
    machine.start_daemon({});
    machine.configure(managed_site());
    machine.await_phase("web", "started");
    await_that("it is told",
               [&] { return machine.value(cell("belayApplicationPhase", "web")) == "started"; });
    const auto is_received = [&](const std::string& kind, const std::vector<std::string>& texts) {
        std::istringstream lines(machine.received());
        for (std::string line; std::getline(lines, line);) {
            if (line.starts_with(kind) &&
                std::ranges::all_of(texts, [&](const std::string& one) { return line.contains(one); }))
                return true;
        }
        return false;
    };
    const auto await_both = [&](const std::vector<std::string>& texts) {
        CAPTURE(machine.received());
        for (const char* const kind : {"TRAP2", "INFORM"})
            await_that(texts.front().c_str(), [&] { return is_received(kind, texts); });
    };

    // More of the memory is used than nothing.
    const std::string alarm =
        "[alarm.memory]\nseverity = \"major\"\ndetect = { figure = \"memory\", rising = 1, every = \"1s\" "
        "}\n";
    machine.configure(managed_site(alarm));
    const std::string condition = "belayAlarmCondition.1 = memory";
    await_both({"= belayAlarmRaised", condition, "belayAlarmSeverity.1 = major",
                fmt::format("belayAlarmHost.1 = {}", own_host_name())});
    CHECK(machine.value("belayAlarmCondition.1") == "memory");
    CHECK(machine.value("belayAlarmAcknowledged.1") == "false");
    CHECK(machine.belay({"alarm", "ack", "1"}).code == 0);
    await_that("it is acknowledged", [&] { return machine.value("belayAlarmAcknowledged.1") == "true"; });
    machine.configure(managed_site());
    await_both({"= belayAlarmCleared", condition});
    await_that("its row is gone", [&] { return machine.value("belayAlarmCondition.1") != "memory"; });

    const Ran stopped = machine.belay({"app", "stop", "web"});
    REQUIRE_MESSAGE(stopped.code == 0, stopped.said);
    await_both({"= belayApplicationDown", "belayNotificationObject.0 = web", "= stopped"});
    REQUIRE(machine.belay({"app", "start", "web"}).code == 0);
    await_both({"= belayApplicationUp", "belayNotificationObject.0 = web", "= started"});

    // What comes while the master is away waits for it.
    machine.kill_snmpd();
    REQUIRE(machine.belay({"app", "start", "shop one"}).code == 0);
    machine.start_snmpd();
    await_both({"= belayApplicationUp", "belayNotificationObject.0 = shop one"});
}

TEST_CASE("who may sets what an application is to do, and belayd does it")
{
    ManagedMachine machine({"--allow-set"});
    machine.configure(managed_site());
    const std::string want = cell("belayApplicationWant", "web");
    machine.await_phase("web", "started");
    await_that("it is told", [&] { return machine.value(want) == "start"; });
    const Ran stopped = machine.ask("snmpset", {want, "i", "stop"});
    CHECK_MESSAGE(stopped.code == 0, stopped.said);
    machine.await_phase("web", "stopped");
    CHECK(machine.application("web")["asked"]["why"] == "asked by SNMP");
    const Ran started = machine.ask("snmpset", {want, "i", "1"});
    CHECK_MESSAGE(started.code == 0, started.said);
    machine.await_phase("web", "started");

    const auto refused = [&](const std::vector<std::string>& what, const std::string& how,
                             const std::string& user = "manager") {
        const Ran asked = machine.ask("snmpset", what, user);
        CHECK(asked.code != 0);
        CHECK_MESSAGE(asked.said.contains(how), asked.said);
    };
    refused({want, "i", "2"}, "noAccess", "reader");
    refused({want, "i", "7"}, "wrongValue");
    refused({want, "u", "2"}, "wrongType");
    refused({cell("belayApplicationPhase", "web"), "i", "1"}, "notWritable");
    refused({cell("belayApplicationWant", "nobody"), "i", "1"}, "noCreation");
    refused({want, "i", "2", cell("belayApplicationWant", "shop one"), "i", "1"}, "resourceUnavailable");
    CHECK(machine.application("web")["wanted"] == "running");
    CHECK(machine.application("shop one")["wanted"] == "stopped");

    // What belayd refuses: nothing is started while somebody works on the host.
    const Ran maintained = machine.belay({"host", "maintenance", own_host_name(), "on"});
    CHECK_MESSAGE(maintained.code == 0, maintained.said);
    refused({cell("belayApplicationWant", "shop one"), "i", "start"}, "commitFailed");
}

TEST_CASE("without leave, or as an account that may not, nothing is set")
{
    ManagedMachine machine;
    machine.configure(managed_site());
    machine.await_phase("web", "started");
    const std::string want = cell("belayApplicationWant", "web");
    await_that("it is told", [&] { return machine.value(want) == "start"; });
    const Ran refused = machine.ask("snmpset", {want, "i", "2"});
    CHECK(refused.code != 0);
    CHECK_MESSAGE(refused.said.contains("notWritable"), refused.said);
    CHECK(machine.application("web")["wanted"] == "running");
}

TEST_CASE("an account that may look at what belayd tells may not set it")
{
    if (geteuid() != 0) return;
    // Of the group of belayd's socket, and nobody else.
    const group* const belay = getgrnam("belay");
    const std::string of_group = fmt::format("--regid={}", belay == nullptr ? getegid() : belay->gr_gid);
    ManagedMachine machine({"--allow-set"},
                           {"/usr/bin/setpriv", "--reuid=nobody", of_group, "--clear-groups"});
    machine.configure(managed_site());
    machine.await_phase("web", "started");
    const std::string want = cell("belayApplicationWant", "web");
    await_that("it is told", [&] { return machine.value(want) == "start"; });
    const Ran refused = machine.ask("snmpset", {want, "i", "2"});
    CHECK(refused.code != 0);
    CHECK_MESSAGE(refused.said.contains("noAccess"), refused.said);
    CHECK(machine.application("web")["wanted"] == "running");
}

TEST_CASE("who may not get to the master agent is told so, and belay-snmp ends as it should")
{
    const ManagedMachine machine;
    await_that("snmpd is there", [&] { return machine.value("belayConnected.0") == "false"; });
    const host::Descriptor log(open(machine.path("agent.log").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    const auto begin = [&](const std::vector<std::string>& as, const std::string& master) {
        std::vector<std::string> words = as;
        for (const std::string& word : {std::string(TEST_SNMP), std::string("--master"), master,
                                        std::string("--socket"), machine.path("run/belayd.sock")})
            words.push_back(word);
        return daemon::testing::spawn(words, {daemon::testing::plain_path}, {{STDERR_FILENO, log.number()}});
    };
    const auto await_said = [&](const std::string& what) {
        await_that(what.c_str(), [&] { return testing::text_of(machine.path("agent.log")).contains(what); });
    };
    pid_t pid = begin({}, machine.path("nowhere"));
    await_said("snmpd is one with the line \"master agentx\"");
    kill(pid, SIGTERM);
    CHECK(daemon::testing::code_of(pid) == 0);
    if (geteuid() != 0) return;
    REQUIRE(chmod(machine.path("snmp/agentx").c_str(), 0600) == 0);
    pid = begin({"/usr/bin/setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"},
                machine.path("snmp/agentx"));
    await_said("this account may not get to it");
    kill(pid, SIGTERM);
    CHECK(daemon::testing::code_of(pid) == 0);
}

TEST_CASE("an arc that is none is said in one sentence")
{
    const Ran wrong = daemon::testing::run_to_end({TEST_SNMP, "--arc", "1.3.6.1"});
    CHECK(wrong.code == 2);
    CHECK_MESSAGE(wrong.said.contains("\"1.3.6.1\" is no arc"), wrong.said);
}

}  // namespace
}  // namespace belay
