// The applications of one host, as a person has them: a configuration, `belay app`, and a daemon that comes
// and goes.

#include "machine.h"

#include <sys/stat.h>

namespace belay {
namespace {

using namespace std::chrono_literals;
using daemon::testing::Ran;
using testing::Machine;
using testing::own_host_name;

/// Two of which one needs the other, and one that is not started with its host.
std::string small_site(const std::string& more = "")
{
    return fmt::format(R"(
[host."{0}"]
address = "127.0.0.1"

[application.licence]
host = "{0}"
command = ["{1}", "--name", "licence", "--lines", "2"]
readiness = {{ kind = "notify" }}

[application."stat server"]
host = "{0}"
command = ["{1}", "--name", "stat"]
readiness = {{ kind = "notify" }}
[[application."stat server".prerequisites]]
kind = "application"
application = "licence"

[application.spare]
host = "{0}"
command = ["/bin/sh", "-c", "echo $COLOUR $SECRET; exec sleep 1000"]
autostart = false
environment = {{ COLOUR = "blue" }}
secret_environment = {{ SECRET = "planted-secret-7" }}
{2}
)",
                       own_host_name(), TEST_STAND_IN, more);
}

TEST_CASE("a start of a solution that takes longer than it may has failed")
{
    Machine machine;
    machine.configure(small_site(fmt::format(R"(
[application.slow]
host = "{0}"
command = ["{1}", "--name", "slow", "--ready-after", "100000"]
readiness = {{ kind = "notify" }}
autostart = false
[solution.both]
applications = [{{ application = "spare" }}, {{ application = "slow" }}]
start_timeout = "400ms"
)",
                                             own_host_name(), TEST_STAND_IN)));
    const Ran started = machine.belay({"solution", "start", "both"});
    CHECK(started.code != 0);
    CHECK_MESSAGE(started.said.find("both has not started within 0.4 s; its applications go on starting") !=
                      std::string::npos,
                  started.said);
    machine.await_phase("slow", "starting");
    machine.await_phase("spare", "started");
}

TEST_CASE("what is configured is started, outlives its daemon, and comes back with the host as it was wanted")
{
    Machine machine;
    machine.configure(small_site());
    const Json statistics = machine.await_phase("stat server", "started");
    const Json licence = machine.await_phase("licence", "started");
    CHECK(machine.application("spare")["phase"] == "stopped");
    CHECK(statistics["needs"] == Json::array({"application licence"}));

    machine.kill_daemon();
    CHECK(kill(statistics["pid"].get<pid_t>(), 0) == 0);
    CHECK(machine.await_phase("stat server", "started")["pid"] == statistics["pid"]);

    const Ran stopped = machine.belay({"app", "stop", "licence", "--why", "a test"});
    CHECK_MESSAGE(stopped.code == 0, stopped.said);
    const Ran started = machine.belay({"app", "start", "spare"});
    CHECK_MESSAGE(started.code == 0, started.said);
    // Before it, where that was seen: that it is starting.
    CHECK_MESSAGE(started.out.find("spare started since ") != std::string::npos, started.said);
    CHECK(machine.application("licence")["asked"]["why"] == "a test");

    machine.reboot();
    machine.await_phase("spare", "started");
    CHECK(machine.application("licence")["phase"] == "stopped");
    const Json waits = machine.await_phase("stat server", "waiting");
    CHECK(waits["reason"] == "waits for application licence");
    CHECK(machine.belay({"app", "start", "licence"}).code == 0);
    machine.await_phase("stat server", "started");
    CHECK(licence["pid"] != machine.application("licence")["pid"]);
}

TEST_CASE("a secret reaches its application, and stands nowhere else that is not for its eyes")
{
    Machine machine;
    machine.configure(small_site());
    REQUIRE(machine.belay({"app", "start", "spare"}).code == 0);
    const auto until = std::chrono::steady_clock::now() + 20s;
    while (machine.belay({"app", "log", "spare"}).out.find("blue planted-secret-7") == std::string::npos) {
        REQUIRE(std::chrono::steady_clock::now() < until);
        usleep(10'000);
    }
    for (const std::vector<std::string>& words : {std::vector<std::string>{"app", "show", "spare", "--json"},
                                                  {"config", "export"},
                                                  {"history", "--json"}})
        CHECK(machine.belay(words).said.find("planted-secret") == std::string::npos);
    struct stat status{};
    REQUIRE(stat(machine.path("run/applications").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0711);
    for (const auto& file : std::filesystem::directory_iterator(machine.path("run/applications"))) {
        REQUIRE(lstat(file.path().c_str(), &status) == 0);
        CHECK_MESSAGE((status.st_mode & 0077) == 0, file.path().string());
    }
}

TEST_CASE(
    "a change of the configuration: what must restart says so, what is gone is stopped, maintenance rests")
{
    Machine machine;
    machine.configure(small_site());
    const Json before = machine.await_phase("licence", "started");
    std::string changed = small_site();
    const std::string words = R"("--name", "licence", "--lines", "2")";
    changed.replace(changed.find(words), words.size(), R"("--name", "licence", "--lines", "3")");
    machine.configure(changed);
    const Json after =
        machine.await("licence", [](const Json& now) { return now["awaits_restart"] == true; });
    CHECK(after["pid"] == before["pid"]);
    CHECK(machine.belay({"app", "list"}).out.find("restart it for the new") != std::string::npos);
    const Ran restarted = machine.belay({"app", "restart", "licence"});
    CHECK_MESSAGE(restarted.code == 0, restarted.said);
    CHECK(machine.application("licence")["awaits_restart"] == false);
    CHECK(machine.belay({"app", "log", "licence"}).out.find("line 2") != std::string::npos);

    std::string resting = changed;
    const std::string address = "address = \"127.0.0.1\"";
    resting.replace(resting.find(address), address.size(), address + "\nmaintenance = true");
    machine.configure(resting);
    CHECK(machine.await_phase("licence", "stopped")["reason"] == "its host is in maintenance");
    const Ran refused = machine.belay({"app", "start", "licence"});
    CHECK(refused.code == 3);
    machine.configure(changed);
    const Json back = machine.await_phase("stat server", "started");

    machine.configure(fmt::format("[host.\"{}\"]\naddress = \"127.0.0.1\"\n", own_host_name()));
    machine.await("licence", [](const Json& now) { return now.is_null(); });
    const auto until = std::chrono::steady_clock::now() + 20s;
    while (kill(back["pid"].get<pid_t>(), 0) == 0) {
        REQUIRE(std::chrono::steady_clock::now() < until);
        usleep(1000);
    }
}

/// Three that need each other in a row, and tell in a file what happens to them; the last has to drain.
std::string row_site(const std::string& trace)
{
    std::string text = fmt::format("[host.\"{}\"]\naddress = \"127.0.0.1\"\n", own_host_name());
    std::string before;
    for (const std::string name : {"one", "two", "three"}) {
        text += fmt::format(
            "[application.{0}]\nhost = \"{1}\"\nreadiness = {{ kind = \"notify\" }}\n"
            "command = [\"{2}\", \"--name\", \"{0}\", \"--ready-after\", \"50\", \"--trace\", \"{3}\"]\n",
            name, own_host_name(), TEST_STAND_IN, trace);
        if (!before.empty())
            text +=
                fmt::format("prerequisites = [{{ kind = \"application\", application = \"{}\" }}]\n", before);
        before = name;
    }
    return text;
}

std::vector<std::string> happened_in(const std::string& trace)
{
    std::ifstream lines(trace);
    std::vector<std::string> all;
    long time = 0, pid = 0;
    for (std::string what; lines >> time >> pid && std::getline(lines >> std::ws, what);) all.push_back(what);
    return all;
}

TEST_CASE(
    "maintenance of a host: what runs is stopped in reverse, nothing starts, and all comes back in order")
{
    Machine machine;
    const std::string host = own_host_name(), trace = machine.path("trace");
    machine.configure(row_site(trace));
    machine.await_phase("three", "started");
    const std::vector<std::string> up = {"one started", "one ready",     "two started",
                                         "two ready",   "three started", "three ready"};
    const std::vector<std::string> down = {"three told to stop", "three ended",      "two told to stop",
                                           "two ended",          "one told to stop", "one ended"};
    const Ran planned = machine.belay({"host", "maintenance", host, "on", "--dry-run"});
    CHECK(planned.code == 0);
    CHECK(planned.out.find("1.  stop  three") < planned.out.find("3.  stop  one"));
    CHECK(happened_in(trace) == up);

    const Ran begun = machine.belay({"host", "maintenance", host, "on", "--why", "new memory"});
    REQUIRE_MESSAGE(begun.code == 0, begun.said);
    for (const char* name : {"one", "two", "three"}) CHECK(machine.application(name)["phase"] == "stopped");
    std::vector<std::string> wanted = up;
    wanted.insert(wanted.end(), down.begin(), down.end());
    CHECK(happened_in(trace) == wanted);
    CHECK(machine.belay({"status"}).out.find("maintenance    somebody works on this host") !=
          std::string::npos);
    CHECK(machine.belay({"config", "history"}).out.find("new memory") != std::string::npos);
    const Ran refused = machine.belay({"app", "start", "one"});
    CHECK(refused.code == 3);
    CHECK(refused.said.find(fmt::format("next: belay host maintenance '{}' off", host)) != std::string::npos);
    CHECK(machine.belay({"host", "maintenance", host, "on"}).out.find("is in maintenance already") !=
          std::string::npos);
    CHECK(machine.belay({"host", "maintenance", "nobody", "on"}).code == 5);
    CHECK(machine.belay({"host", "maintenance", host}).code == 2);
    // Also after the host was started anew.
    machine.reboot();
    CHECK(machine.application("one")["wanted_after"] == "running");
    CHECK(happened_in(trace) == wanted);

    const Ran over = machine.belay({"host", "maintenance", host, "off", "--json"});
    REQUIRE_MESSAGE(over.code == 0, over.said);
    wanted.insert(wanted.end(), up.begin(), up.end());
    CHECK(happened_in(trace) == wanted);

    // With a time it ends by itself, or sooner where somebody says so.
    REQUIRE(machine.belay({"host", "maintenance", host, "on", "--for", "1h"}).code == 0);
    CHECK(machine.application("two")["phase"] == "stopped");
    REQUIRE(machine.belay({"host", "maintenance", host, "off"}).code == 0);
    CHECK(machine.application("three")["phase"] == "started");
    REQUIRE(machine.belay({"host", "maintenance", host, "on", "--for", "300ms"}).code == 0);
    machine.await_phase("three", "started");
}

TEST_CASE("a host shows its load, what its applications use, and who runs there that nobody watches")
{
    Machine machine;
    machine.configure(row_site(machine.path("trace")));
    const Json three = machine.await_phase("three", "started");
    const pid_t stranger = daemon::testing::spawn({"/bin/sleep", "1000"}, {}, {});
    const Ran shown = machine.belay({"host", "show", "--json"});
    REQUIRE_MESSAGE(shown.code == 0, shown.said);
    const Json host = must(parse_json(shown.out));
    CHECK(host["name"] == own_host_name());
    const Json& load = host["load"];
    CHECK(load["processor"]["each"].size() == load["processor"]["count"].get<size_t>());
    CHECK(load["memory"]["available"] < load["memory"]["total"]);
    CHECK(load["filesystems"].size() >= 1);
    CHECK(load["processes"]["of_applications"] == 3);
    // Daemon, guard and supervisor, and the command that asks.
    CHECK(load["processes"]["of_belay"] >= 3);
    CHECK(load["processes"]["all"].get<int>() ==
          3 + load["processes"]["of_belay"].get<int>() + load["processes"]["others"].get<int>());
    CHECK(shown.out.find(fmt::format("\"pid\":{},", three["pid"].get<pid_t>())) != std::string::npos);
    for (const Json& one : load["processes"]["by_memory"]) CHECK(one["pid"] != three["pid"]);
    const auto others = load["processes"]["others"].get<int>();
    kill(stranger, SIGKILL);
    waitpid(stranger, nullptr, 0);
    CHECK(others >= 2);
    CHECK(machine.belay({"host", "show"}).out.find("that nobody watches, of ") != std::string::npos);
    CHECK(machine.belay({"host", "show", "nobody"}).code == 5);

    const Json use = must(parse_json(machine.belay({"app", "show", "three", "--json"}).out))["use"];
    CHECK(use["memory"] > 100'000);
    CHECK(use["processes"] >= 1);
    const Json status = must(parse_json(machine.belay({"status", "--json"}).out));
    CHECK(status["applications"].size() == 3);
    CHECK(status["load"]["processes"].is_null());
}

size_t count_of(std::string_view text, std::string_view wanted)
{
    size_t count = 0;
    for (size_t at = 0; (at = text.find(wanted, at)) != std::string_view::npos; at += wanted.size()) ++count;
    return count;
}

TEST_CASE("a pair on one host is followed over the death of the one that serves, told of it by a command")
{
    Machine machine;
    const std::string told = machine.path("told");
    const auto server = [&](const char* name) {
        return fmt::format(R"(
[application."{0}"]
host = "{1}"
command = ["{2}", "--name", "{0}"]
readiness = {{ kind = "notify" }}
autorestart = "always"
orders = {{ kind = "command", command = ["/bin/sh", "-c", 'echo $0 >>{3}'] }}
)",
                           name, own_host_name(), TEST_STAND_IN, told);
    };
    machine.configure(fmt::format("[host.\"{}\"]\naddress = \"127.0.0.1\"\n", own_host_name()) +
                      server("one") + server("two") +
                      "[pair.both]\nprimary = \"one\"\nbackup = \"two\"\nredundancy = \"hot\"\n");
    const auto await_text = [](const std::string& file, const std::string& wanted) {
        const auto until = std::chrono::steady_clock::now() + 20s;
        while (testing::text_of(file).find(wanted) == std::string::npos) {
            REQUIRE_MESSAGE(std::chrono::steady_clock::now() < until, testing::text_of(file));
            usleep(10'000);
        }
    };
    const auto await_told = [&](size_t primary, size_t backup) {
        const auto until = std::chrono::steady_clock::now() + 20s;
        std::string text;
        do {
            REQUIRE_MESSAGE(std::chrono::steady_clock::now() < until, text);
            usleep(10'000);
            text = testing::text_of(told);
        } while (count_of(text, "primary\n") != primary || count_of(text, "backup\n") < backup);
    };
    const std::string said = machine.path("said");
    const pid_t follows = machine.belay_into({"app", "pairs", "--follow"}, said);
    await_text(said, "both (hot, switch-over automatic, lease 150 ms): one serves\n");
    await_told(1, 2);
    CHECK(testing::text_of(said).find("no third host") == std::string::npos);
    machine.await_phase("two", "started");
    kill(machine.application("one")["pid"].get<pid_t>(), SIGKILL);
    await_text(said, "both (hot, switch-over automatic, lease 150 ms): two serves\n");
    await_told(2, 3);
    kill(follows, SIGINT);
    static_cast<void>(daemon::testing::code_of(follows));
    machine.await("one",
                  [](const Json& now) { return now["pair"]["held"] == false && now["phase"] == "started"; });
    machine.await("two", [](const Json& now) { return now["pair"]["other_ready"] == true; });
    CHECK(machine.belay({"app", "switch-over", "both"}).code == 0);
    await_told(3, 4);
    const Ran pairs = machine.belay({"app", "pairs"});
    CHECK(pairs.code == 0);
    CHECK_MESSAGE(pairs.out.starts_with("both (hot, switch-over automatic, lease 150 ms): one serves\n"),
                  pairs.out);
}

TEST_CASE("agent, supervisor and applications also run as a user who is not root")
{
    if (geteuid() != 0) return;  // then all of this program is that
    const std::string own = std::filesystem::read_symlink("/proc/self/exe");
    const Ran ran = daemon::testing::run_to_end(
        {"/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", own,
         "--test-case=what is configured is started*,a pair on one host*,a secret reaches*"});
    CHECK_MESSAGE(ran.code == 0, ran.said);
    CHECK_MESSAGE(ran.out.find("3 passed | 0 failed") != std::string::npos, ran.said);
}

TEST_CASE("what cannot be is said with the name and the way on")
{
    Machine machine;
    const Ran none = machine.belay({"app", "list"});
    CHECK(none.out == "no application is configured for this host\n  next: belay config apply FILE\n");
    machine.configure(
        small_site("\n[application.broken]\nhost = \"" + own_host_name() +
                   "\"\ncommand = [\"no-such-program\"]\nnonstop = \"0\"\nautostart = false\n"));
    const Ran unknown = machine.belay({"app", "start", "nobody"});
    CHECK(unknown.code == 5);
    CHECK(unknown.said == "belay: there is no application \"nobody\" on this host\n  next: belay app list\n");
    const Ran broken = machine.belay({"app", "start", "broken"});
    CHECK(broken.code == 1);
    CHECK(broken.said.find("no program no-such-program on this host") != std::string::npos);
    CHECK(machine.belay({"app", "start"}).code == 2);
    CHECK(machine.belay({"app", "start", "--help"}).out.find("belay app start 'stat server'") !=
          std::string::npos);
}

}  // namespace
}  // namespace belay
