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
    CHECK(started.out.starts_with("spare started since "));
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
