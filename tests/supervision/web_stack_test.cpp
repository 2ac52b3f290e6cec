// examples/web-stack on one machine, with the commands of its README and Debian's programs: in its order,
// restarted under callers without one that fails, killed, and back.

#include "machine.h"
#include "own_network.h"

#include <atomic>
#include <sys/mount.h>
#include <thread>

namespace belay {
namespace {

using namespace std::chrono_literals;
using daemon::testing::Ran;

constexpr const char* site_file = TEST_EXAMPLES "/web-stack/site.toml";
constexpr const char* page = "http://127.0.0.1/";

Ran shell(const std::string& script)
{
    return daemon::testing::run_to_end({"/bin/sh", "-c", "set -eu; cd \"$0/..\"\n" + script, TEST_EXAMPLES});
}

Ran fetch(const char* address)
{
    return daemon::testing::run_to_end({"/usr/bin/curl", "-sS", "--fail", "--max-time", "10", address});
}

/// What this test changes of the machine is seen by this thread, and what it starts, alone.
class OwnFolders {
  public:
    OwnFolders()
    {
        REQUIRE(unshare(CLONE_NEWNS) == 0);
        REQUIRE(mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
        REQUIRE(chmod(folder_.path().c_str(), 0755) == 0);
        for (const char* place :
             {"/etc/postgresql", "/var/lib", "/var/log/postgresql", "/run/postgresql", "/opt"})
            put_over(place);
        const Ran owned = shell(
            "install -d -o postgres -g postgres /var/lib/postgresql\n"
            "chown postgres:postgres /var/log/postgresql /run/postgresql");
        REQUIRE_MESSAGE(owned.code == 0, owned.said);
    }
    ~OwnFolders()
    {
        for (const std::string& place : places_) umount2(place.c_str(), MNT_DETACH);
    }
    OwnFolders(const OwnFolders&) = delete;
    OwnFolders& operator=(const OwnFolders&) = delete;

  private:
    void put_over(const std::string& place)
    {
        std::string name = place;
        std::ranges::replace(name, '/', '-');
        const std::string ours = folder_ / name;
        std::filesystem::create_directories(ours);
        std::filesystem::create_directories(place);
        REQUIRE_MESSAGE(mount(ours.c_str(), place.c_str(), nullptr, MS_BIND, nullptr) == 0, place);
        places_.push_back(place);
    }

    store::ScratchFolder folder_;
    std::vector<std::string> places_;
};

/// The commands of the README that are for that host.
std::string commands_for(const std::string& host)
{
    std::istringstream lines(testing::text_of(TEST_EXAMPLES "/web-stack/README.md"));
    std::string commands;
    bool is_for_it = false;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("```"))
            is_for_it = line == "```sh " + host;
        else if (is_for_it)
            commands += line + '\n';
    }
    return commands;
}

/// Debian's programs, and root for their accounts.
bool can_run()
{
    if (geteuid() != 0) {
        MESSAGE("not root: nothing can run as postgres or www-data");
        return false;
    }
    for (const char* program : {"/usr/sbin/nginx", "/usr/bin/pg_createcluster", "/usr/bin/curl"})
        REQUIRE_MESSAGE(access(program, X_OK) == 0, "packaging/install-needs test installs ", program);
    return true;
}

uid_t user_of(const Json& application)
{
    struct stat status{};
    REQUIRE(stat(fmt::format("/proc/{}", application.at("pid").get<pid_t>()).c_str(), &status) == 0);
    return status.st_uid;
}

uid_t user_named(const std::string& name)
{
    const Ran said = daemon::testing::run_to_end({"/usr/bin/id", "-u", name});
    REQUIRE(said.code == 0);
    return static_cast<uid_t>(std::stoul(said.out));
}

/// In the kernel's ticks since the boot.
uint64_t start_of(const Json& application)
{
    const std::string stat =
        testing::text_of(fmt::format("/proc/{}/stat", application.at("pid").get<pid_t>()));
    std::istringstream fields(stat.substr(stat.rfind(')') + 2));
    std::string field;
    for (int number = 3; number <= 22; ++number) fields >> field;
    return std::stoull(field);
}

/// Some who ask for the page all the time.
class Callers {
  public:
    Callers()
    {
        for (int i = 0; i < 4; ++i) threads_.emplace_back([this] { call(); });
    }
    ~Callers() { stop(); }
    Callers(const Callers&) = delete;
    Callers& operator=(const Callers&) = delete;
    void stop()
    {
        stops_ = true;
        threads_.clear();
    }
    int answered() const { return answered_; }
    /// After stop().
    const std::string& failed() const { return failed_; }

  private:
    void call()
    {
        while (!stops_) {
            const Ran answer = fetch(page);
            if (answer.code == 0) {
                ++answered_;
                continue;
            }
            const std::lock_guard lock(mutex_);
            failed_ += fmt::format("after {} answers: {}", answered_.load(), answer.said);
        }
    }

    std::atomic<bool> stops_ = false;
    std::atomic<int> answered_ = 0;
    std::mutex mutex_;
    std::string failed_;
    std::vector<std::jthread> threads_;
};

TEST_CASE("the web stack is a site without an error")
{
    testing::Machine machine;
    const Ran checked = machine.belay({"config", "check", site_file});
    CHECK(checked.code == 0);
    CHECK(checked.out.ends_with("6 objects, 0 errors, 0 warnings\n"));
}

TEST_CASE("the web stack runs as its README says: database, application, nginx, and nobody's call fails")
{
    if (!can_run()) return;
    testing::have_own_network();
    const OwnFolders folders;
    for (const char* host : {"db1", "web1"}) {
        const Ran prepared = shell(commands_for(host));
        REQUIRE_MESSAGE(prepared.code == 0, prepared.said);
    }
    testing::Machine machine;
    machine.configure(testing::on_one_machine(site_file));
    for (const char* name : {"database", "shop", "nginx"}) machine.await_phase(name, "started");
    std::map<std::string, Json> all = machine.applications();
    CHECK(start_of(all["database"]) < start_of(all["shop"]));
    CHECK(start_of(all["shop"]) < start_of(all["nginx"]));
    CHECK(user_of(all["database"]) == user_named("postgres"));
    CHECK(user_of(all["shop"]) == user_named("www-data"));
    CHECK(user_of(all["nginx"]) == user_named("www-data"));
    CHECK(fetch(page).said == "You are visitor 1.\n");

    {
        INFO("each that stands in the way of a call is restarted");
        Callers callers;
        for (const char* name : {"shop", "nginx"}) {
            const int before = callers.answered();
            const Ran restarted = machine.belay({"app", "restart", name});
            CHECK_MESSAGE(restarted.code == 0, restarted.said);
            const auto until = std::chrono::steady_clock::now() + 20s;
            while (callers.answered() < before + 20 && std::chrono::steady_clock::now() < until) usleep(1000);
        }
        callers.stop();
        CHECK_MESSAGE(callers.failed() == "", machine.belay({"app", "log", "shop"}).out,
                      machine.belay({"app", "log", "nginx"}).out);
        CHECK(callers.answered() >= 40);
    }
    {
        INFO("the database is killed, and comes back; what is committed is there");
        all = machine.applications();
        kill(all["database"]["pid"].get<pid_t>(), SIGKILL);
        machine.await("database", [&](const Json& now) {
            return now["phase"] == "started" && now["pid"] != all["database"]["pid"];
        });
        CHECK(machine.application("database")["last"] == "signal 9 (Killed)");
        const Ran answer = fetch(page);
        CHECK_MESSAGE(answer.said.starts_with("You are visitor "), answer.said);
        CHECK(answer.said != "You are visitor 1.\n");
        CHECK(machine.application("shop")["pid"] == all["shop"]["pid"]);
    }
    {
        INFO("one that has nothing left to do serves again when it is told to");
        all = machine.applications();
        const Ran suspended = machine.belay({"app", "suspend", "shop"});
        CHECK_MESSAGE(suspended.code == 0, suspended.said);
        CHECK(machine.belay({"app", "resume", "shop"}).code == 0);
        CHECK(machine.application("shop")["pid"] == all["shop"]["pid"]);
        CHECK(fetch(page).code == 0);
    }

    const Ran stopped = machine.belay({"solution", "stop", "web"});
    CHECK_MESSAGE(stopped.code == 0, stopped.said);
    std::map<std::string, Json> now = machine.applications();
    for (const char* name : {"database", "shop", "nginx"}) {
        CAPTURE(name);
        CHECK(now[name]["phase"] == "stopped");
        CHECK(now[name]["last"] == "exit code 0");
    }
    CHECK(now["nginx"]["since_ms"] <= now["shop"]["since_ms"]);
    CHECK(now["shop"]["since_ms"] <= now["database"]["since_ms"]);
    const Ran said = machine.belay({"app", "log", "database"});
    CHECK_MESSAGE(said.out.find("database system is shut down") != std::string::npos, said.out);
}

}  // namespace
}  // namespace belay
