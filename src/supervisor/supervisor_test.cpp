// belay-supervisor as a process, with real applications: they crash, hang, flood and ignore, and supervisors
// are killed under them.

#include "site/local_socket.h"
#include "supervisor/testing/house.h"

#include <algorithm>
#include <fcntl.h>
#include <filesystem>
#include <random>
#include <set>
#include <sys/stat.h>

namespace belay::supervisor {
namespace {

TEST_CASE("an application is started, restarted when it ends unasked, and stopped")
{
    House house;
    house.describe({house.stand_in(1, "stat server", {"--lines", "3"})});
    CHECK(house.standings()[1]["phase"] == "stopped");
    house.order({1}, "running");
    const Json started = house.await_phase(1, "started");
    const pid_t first = started["pid"];
    kill(first, SIGKILL);
    const Json again =
        house.await([&](auto& now) { return now[1]["phase"] == "started" && now[1]["pid"] != first; })[1];
    CHECK(again["restarts"] == 1);
    CHECK(again["last"] == "signal 9 (Killed)");
    house.order({1}, "stopped");
    CHECK(house.await_phase(1, "stopped")["last"] == "exit code 0");
    CHECK(house.output_of(1).find("Z line 2\n") != std::string::npos);
    CHECK(count_of(house.happened(), "stat_server", "ended") == 0);
    house.describe({});
    house.await([](auto& now) { return now.empty(); });
    CHECK(access(house.path("run/applications/1.json").c_str(), F_OK) != 0);
}

/// A program that cannot be loaded while this is there: whoever opens it waits (fcntl(2), leases).
class Unloadable {
  public:
    explicit Unloadable(const std::string& path)
    {
        std::filesystem::copy_file("/bin/sleep", path);
        file_ = host::Descriptor(open(path.c_str(), O_RDWR | O_CLOEXEC));
        signal(SIGIO, SIG_IGN);  // that somebody waits
        REQUIRE(fcntl(file_.number(), F_SETLEASE, F_WRLCK) == 0);
    }
    void let_go() { file_.close(); }

  private:
    host::Descriptor file_;
};

TEST_CASE("programs that cannot be loaded hold up nobody, and are given up after their time")
{
#if defined(BELAY_SANITIZE_ADDRESS) || defined(BELAY_SANITIZE_THREAD) || !defined(__x86_64__)
    MESSAGE("a start waits here until its program is loaded");
    return;
#endif
    House house;
    std::vector<std::unique_ptr<Unloadable>> files;
    std::vector<Application> all;
    std::vector<ApplicationId> ids;
    for (ApplicationId id = 1; id <= 6; ++id) {
        const std::string path = house.path(fmt::format("program-{}", id));
        files.push_back(std::make_unique<Unloadable>(path));
        all.push_back(house.stand_in(id, fmt::format("slow-{}", id)));
        all.back().command = {path, "1000"};
        all.back().readiness.kind = Question::Kind::running;
        ids.push_back(id);
    }
    all[0].start_timeout = 300ms;
    all[0].nonstop.failures = 0;
    all.push_back(house.stand_in(7, "quick"));
    ids.push_back(7);
    house.describe(all);
    house.order(ids, "running");
    house.await_phase(7, "started");
    CHECK(house.await_phase(1, "failed")["reason"] == "was not ready within 0.3 s");
    for (ApplicationId id = 2; id <= 6; ++id) CHECK(house.standings()[id]["phase"] == "starting");
    SUBCASE("they can be loaded after all") {}
    SUBCASE("the supervisor is renewed meanwhile")
    {
        house.ask("Renew", Json::object());
        house.reconnect();
    }
    SUBCASE("the supervisor is killed meanwhile")
    {
        const pid_t before = house.supervisor();
        kill(before, SIGKILL);
        house.reconnect([&](pid_t pid) { return pid != before; });
    }
    for (auto& file : files) file->let_go();
    for (ApplicationId id = 2; id <= 6; ++id) {
        house.await([&](auto& now) {
            const pid_t pid = now[id]["pid"];
            return now[id]["phase"] == "started" &&
                   House::field_of(pid, "Name:") == fmt::format("program-{}", id);
        });
    }
}

TEST_CASE("what was asked wrongly is refused, and changes nothing")
{
    House house;
    Client& client = house.client();
    CHECK(client.call("Order", {{"applications", {7}}, {"want", "running"}}).error().kind ==
          ErrorKind::not_found);
    CHECK(client.call("Order", {{"applications", Json::array()}, {"want", "flying"}}).error().kind ==
          ErrorKind::usage);
    CHECK(client.call("Describe", {{"applications", {{{"id", 1}}}}}).error().kind == ErrorKind::corrupt);
    CHECK(client.call("Describe", {{"applications", 5}}).error().kind == ErrorKind::corrupt);
    CHECK(client.call("Describe", {{"applications", Json::array()}, {"whole", "yes"}}).error().kind ==
          ErrorKind::usage);
    CHECK(client.call("HandOver", {{"application", 3}}).error().kind == ErrorKind::not_found);
    CHECK(client.call("Pairs", {{"pairs", {{{"pair", 3}}}}}).error().kind == ErrorKind::usage);
    CHECK(house.standings().empty());
}

TEST_CASE("one that crashes at once for ever is given up, and its neighbours are not touched")
{
    House house;
    Application crashing = house.stand_in(1, "crashing", {"--fail-after", "0"});
    crashing.readiness.kind = Question::Kind::running;
    crashing.restart_delay = 1ms;
    Application missing = house.stand_in(3, "missing");
    missing.command = {"/no/such/program"};
    missing.restart_delay = 1ms;
    house.describe({crashing, house.stand_in(2, "neighbour"), missing});
    house.order({1, 2, 3}, "running");
    const Json failed = house.await_phase(1, "failed");
    CHECK(failed["reason"] == "ended unasked, by exit code 3 (7 times within 10 s)");
    CHECK(house.await_phase(3, "failed")["reason"].get<std::string>().find(
              "run /no/such/program: No such file") != std::string::npos);
    CHECK(house.await_phase(2, "started")["restarts"] == 0);
    CHECK(count_of(house.happened(), "crashing", "started") == 7);
}

TEST_CASE("who was started with a file is started anew when that is renewed, also while nobody looked")
{
    House house;
    const auto licence = [&](const char* text) { std::ofstream(house.path("licence.new")) << text; };
    const auto put = [&] {
        REQUIRE(rename(house.path("licence.new").c_str(), house.path("licence").c_str()) == 0);
    };
    licence("one");
    put();
    Application server = house.stand_in(1, "server");
    server.gates = {{.path = house.path("licence"), .restart_when_renewed = true}};
    Application other = house.stand_in(2, "other");
    other.gates = {{.path = house.path("licence")}};
    house.describe({server, other});
    house.order({1, 2}, "running");
    const pid_t first = house.await_phase(1, "started")["pid"];
    const pid_t of_other = house.await_phase(2, "started")["pid"];

    licence("two");  // another file of that folder is nothing to it
    CHECK(house.standings()[1]["pid"] == first);
    put();
    const auto is_another = [](pid_t than) {
        return [than](auto& now) { return now[1]["phase"] == "started" && now[1]["pid"] != than; };
    };
    const pid_t second = house.await(is_another(first))[1]["pid"];
    CHECK(house.standings()[1]["restarts"] == 0);

    const pid_t supervisor = house.supervisor(), guard = House::parent_of(supervisor);
    kill(guard, SIGSTOP);
    kill(supervisor, SIGKILL);
    licence("three");
    put();
    kill(guard, SIGCONT);
    house.reconnect([&](pid_t pid) { return pid != supervisor; });
    house.await(is_another(second));
    CHECK(house.standings()[2]["pid"] == of_other);

    house.order({1}, "stopped");
    house.await_phase(1, "stopped");
    std::ofstream(house.path("licence")) << "four";
    CHECK(house.await_phase(1, "stopped")["want"] == "stopped");
}

TEST_CASE("one that runs as another user says that it is ready, and may open its output anew")
{
    if (geteuid() != 0) {
        MESSAGE("not root: nothing can run as another user");
        return;
    }
    House house;
    REQUIRE(chmod(house.path("").c_str(), 0711) == 0);
    Application server = house.stand_in(1, "server", {"--heartbeat", "50"});
    server.heartbeat = 5s;
    server.user = "nobody";
    Application shell = house.stand_in(2, "shell");
    shell.command = {"/bin/sh", "-c", "id -un >/dev/stdout; exec sleep 1000"};
    shell.readiness.kind = Question::Kind::running;
    shell.user = "nobody";
    house.describe({server, shell});
    house.order({1, 2}, "running");
    house.await_phase(1, "started");
    house.await_phase(2, "started");
    const auto until = std::chrono::steady_clock::now() + patience;
    while (house.output_of(2).find("Z nobody\n") == std::string::npos) {
        if (std::chrono::steady_clock::now() > until) FAIL(house.output_of(2));
        usleep(2000);
    }
    struct stat status{};
    REQUIRE(stat(house.path("run/applications/1.json").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("one that ignores SIGTERM, and the processes that it has left behind, are ended by force")
{
    House house;
    Application stubborn = house.stand_in(1, "stubborn", {"--ignores-term", "--children", "3"});
    stubborn.shutdown_timeout = 200ms;
    house.describe({stubborn});
    house.order({1}, "running");
    const pid_t pid = house.await_phase(1, "started")["pid"];
    house.order({1}, "stopped");
    CHECK(house.await_phase(1, "stopped")["last"] == "signal 9 (Killed)");
    CHECK(count_of(house.happened(), "stubborn", "told to stop") == 1);
    CHECK(kill(-pid, 0) != 0);
}

TEST_CASE("one that hangs is noticed by its heartbeat: frozen, or silent")
{
    House house;
    Application frozen = house.stand_in(1, "frozen", {"--heartbeat", "50"});
    frozen.heartbeat = 500ms;
    Application silent = house.stand_in(2, "silent", {"--hangs"});
    silent.heartbeat = 500ms;
    silent.restart_when_hung = false;
    house.describe({frozen, silent});
    house.order({1, 2}, "running");
    const pid_t pid = house.await_phase(1, "started")["pid"];
    usleep(700'000);
    CHECK(house.standings()[1]["pid"] == pid);
    kill(pid, SIGSTOP);
    const Json again = house.await([&](auto& now) { return now[1]["restarts"] == 1; })[1];
    CHECK(again["last"] == "signal 9 (Killed)");
    CHECK(house.await_phase(2, "unavailable")["reason"] == "did not say for 0.5 s that it lives");
    CHECK(house.standings()[2]["restarts"] == 0);
}

TEST_CASE("a port that is held takes calls while its application is away, and outlives every supervisor")
{
    House house;
    const uint16_t port = free_port();
    Application server = house.stand_in(1, "server");
    server.sockets = {{.name = "main", .address = "127.0.0.1", .port = port}};
    house.describe({server});
    house.order({1}, "running");
    const pid_t first = house.await_phase(1, "started")["pid"];
    CHECK(answer_of(port) == fmt::format("server {} \n", first));
    kill(first, SIGKILL);
    const std::string held = answer_of(port);  // asked while it is away, answered when it is back
    CHECK(held.starts_with("server "));
    CHECK(held != fmt::format("server {} \n", first));

    SUBCASE("the supervisor is killed")
    {
        const pid_t before = house.supervisor();
        kill(before, SIGKILL);
        house.reconnect();
        CHECK(house.supervisor() != before);
    }
    SUBCASE("the supervisor is renewed")
    {
        const pid_t before = house.supervisor();
        house.ask("Renew", Json::object());
        house.reconnect();
        CHECK(house.supervisor() == before);
    }
    const pid_t second = house.await_phase(1, "started")["pid"];
    CHECK(held == fmt::format("server {} \n", second));
    kill(second, SIGKILL);
    CHECK(answer_of(port).starts_with("server "));
}

TEST_CASE("applications outlive a supervisor that is killed, and no end of theirs is lost")
{
    House house;
    std::vector<Application> all;
    for (ApplicationId id = 1; id <= 20; ++id)
        all.push_back(house.stand_in(id, fmt::format("a{}", id), {"--lines", "1"}));
    Application counted = house.stand_in(21, "counted", {"--fail-after", "100000"});
    all.push_back(counted);
    house.describe(all);
    std::vector<ApplicationId> ids;
    for (const Application& one : all) ids.push_back(one.id);
    house.order(ids, "running");
    const auto started = house.await([](auto& now) {
        return std::ranges::all_of(now, [](auto& one) { return one.second["phase"] == "started"; });
    });
    const pid_t guard = House::parent_of(house.supervisor());
    for (int round = 0; round < 5; ++round) {
        // Stopped first: what happens meanwhile happens while nobody looks.
        const pid_t supervisor = house.supervisor();
        const auto before = house.standings();
        kill(supervisor, SIGSTOP);
        const pid_t dies = before.at(round + 1)["pid"];
        kill(dies, round % 2 == 0 ? SIGQUIT : SIGTERM);
        kill(supervisor, SIGKILL);
        house.reconnect();
        CHECK(House::parent_of(house.supervisor()) == guard);
        const auto after = house.await([&](auto& now) {
            return now[round + 1]["phase"] == (round % 2 == 0 ? "started" : "stopped") &&
                   now[round + 1]["pid"] != dies;
        });
        CHECK(after.at(round + 1)["last"] == (round % 2 == 0 ? "signal 3 (Quit)" : "exit code 0"));
        for (const auto& [id, standing] : before) {
            if (id != round + 1) CHECK(after.at(id)["pid"] == standing["pid"]);
        }
    }
    // The guard itself: the supervisor becomes one.
    kill(guard, SIGKILL);
    waitpid(guard, nullptr, 0);
    house.reconnect([&](pid_t supervisor) { return House::parent_of(supervisor) != guard; });
    const auto now = house.standings();
    CHECK(now.at(20)["pid"] == started.at(20)["pid"]);
    kill(now.at(20)["pid"].get<pid_t>(), SIGKILL);
    house.await([&](auto& later) {
        return later[20]["phase"] == "started" && later[20]["pid"] != now.at(20)["pid"];
    });
}

std::set<pid_t> stand_ins_of(const House& house)
{
    return host::testing::processes_with(house.path("trace"), TEST_STAND_IN);
}

/// Those that it has a pidfd of.
std::set<pid_t> watched_by(pid_t supervisor)
{
    std::set<pid_t> all;
    std::error_code problem;
    for (const auto& entry :
         std::filesystem::directory_iterator(fmt::format("/proc/{}/fdinfo", supervisor), problem)) {
        std::ifstream file(entry.path());
        for (std::string word; file >> word;) {
            if (pid_t pid = 0; word == "Pid:" && file >> pid) all.insert(pid);
        }
    }
    return all;
}

/// What is wrong with who watches whom, once all is to be well again; one line each.
std::string unwatched(House& house)
{
    std::string wrong;
    const pid_t supervisor = house.supervisor();
    const std::set<pid_t> watched = watched_by(supervisor);
    if (House::field_of(House::parent_of(supervisor), "Name:") != "belay-superviso")
        wrong += fmt::format("supervisor {} has no guard\n", supervisor);
    if (!watched.contains(House::parent_of(supervisor))) wrong += "its guard is not watched\n";
    std::set<pid_t> known;
    for (const auto& [id, standing] : house.standings()) {
        const pid_t pid = standing.at("pid");
        known.insert(pid);
        if (standing.at("phase") != "started") wrong += standing.dump() + "\n";
        if (!watched.contains(pid)) wrong += fmt::format("{}, process {}, is not watched\n", id, pid);
    }
    for (const pid_t pid : stand_ins_of(house)) {
        if (!known.contains(pid)) wrong += fmt::format("process {} is no application's\n", pid);
    }
    return wrong;
}

TEST_CASE("supervisors and guards die at any moment of a start, and nobody is left without a watcher")
{
    const char* const rounds_set = std::getenv("BELAY_DEATH_ROUNDS");       // NOLINT(concurrency-mt-unsafe)
    const int rounds = rounds_set != nullptr ? std::atoi(rounds_set) : 25;  // NOLINT(cert-err34-c)
    const unsigned seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 dice(seed);
    const auto rest = [&](unsigned most) { usleep(static_cast<unsigned>(dice()) % most); };
    House house;
    std::vector<Application> all;
    std::vector<ApplicationId> ids;
    for (ApplicationId id = 1; id <= 8; ++id) {
        all.push_back(house.stand_in(id, fmt::format("a{}", id)));
        all.back().nonstop.failures = 1000;
        all.back().restart_delay = all.back().restart_delay_most = 1ms;
        ids.push_back(id);
    }
    house.describe(all);
    house.order(ids, "running");
    for (int round = 0; round < rounds; ++round) {
        CAPTURE(round);
        const pid_t supervisor = house.supervisor();
        const pid_t guard = House::parent_of(supervisor);
        for (const pid_t pid : stand_ins_of(house)) kill(pid, SIGKILL);
        rest(10'000);
        kill(supervisor, SIGKILL);
        if (dice() % 2 == 0) {
            rest(10'000);
            kill(guard, SIGKILL);
            waitpid(guard, nullptr, 0);
        }
        house.reconnect([&](pid_t pid) { return pid != supervisor; }, TEST_SUPERVISOR);
        std::string wrong;
        const auto until = std::chrono::steady_clock::now() + patience;
        do {
            wrong = unwatched(house);
        } while (!wrong.empty() && std::chrono::steady_clock::now() < until);
        REQUIRE(wrong == "");
    }
}

/// As waitpid() tells it; fails the test where it does not end.
int status_at_end(pid_t guard)
{
    int status = 0;
    for (const auto until = std::chrono::steady_clock::now() + patience;
         std::chrono::steady_clock::now() < until; usleep(500))
        if (waitpid(guard, &status, WNOHANG) == guard) return status;
    kill(guard, SIGKILL);
    FAIL("it does not end");
    return status;
}

TEST_CASE("told to end at any moment of its beginning it ends, and starts no other")
{
    const Scratch scratch;
    const std::string socket = scratch.path("run/supervisor.sock");
    for (unsigned round = 0; round < 150; ++round) {
        CAPTURE(round);
        // The handler is doctest's until the program is another.
        sigset_t end, before;
        sigemptyset(&end);
        sigaddset(&end, SIGTERM);
        REQUIRE(pthread_sigmask(SIG_BLOCK, &end, &before) == 0);
        const pid_t guard = fork();
        REQUIRE(guard >= 0);
        if (guard == 0) {
            signal(SIGTERM, SIG_DFL);
            pthread_sigmask(SIG_SETMASK, &before, nullptr);
            execl(TEST_SUPERVISOR, TEST_SUPERVISOR, "--socket", socket.c_str(), "--state-dir",
                  scratch.path("state").c_str(), "--log-verbose", "none", nullptr);
            _exit(127);
        }
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
        usleep(round * 200);
        kill(guard, SIGTERM);
        const int status = status_at_end(guard);
        // Before it is a guard it ends as any program does.
        CHECK((status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM)));
        CHECK_FALSE(site::connect_to(socket));
    }
}

TEST_CASE("a guard that is told to end when its supervisor has just died has the next one end")
{
    House house;
    house.describe({house.stand_in(1, "web")});
    house.order({1}, "running");
    const pid_t application = house.await_phase(1, "started")["pid"];
    const pid_t supervisor = house.supervisor();
    const pid_t guard = House::parent_of(supervisor);
    // Stopped first, so that it hears of both at once.
    kill(guard, SIGSTOP);
    kill(supervisor, SIGKILL);
    kill(guard, SIGTERM);
    kill(guard, SIGCONT);
    CHECK(status_at_end(guard) == 0);
    CHECK(House::is_gone(application));
}

TEST_CASE("what an application says while its supervisor is dead is heard by the next")
{
    House house;
    house.describe({house.stand_in(1, "slow", {"--ready-after", "300"})});
    house.order({1}, "running");
    house.await_phase(1, "starting");
    const pid_t supervisor = house.supervisor();
    kill(supervisor, SIGSTOP);
    const auto until = std::chrono::steady_clock::now() + patience;
    while (count_of(house.happened(), "slow", "ready") == 0) {
        REQUIRE(std::chrono::steady_clock::now() < until);
        usleep(1000);
    }
    usleep(50'000);
    kill(supervisor, SIGKILL);
    house.reconnect();
    CHECK(house.await_phase(1, "started")["restarts"] == 0);
}

TEST_CASE("what one has kept open for its own renewal is nothing to another that comes first")
{
    House house;
    house.describe({house.stand_in(1, "slow", {"--ready-after", "300"})});
    house.order({1}, "running");
    house.await_phase(1, "starting");
    const pid_t supervisor = house.supervisor();
    const pid_t guard = House::parent_of(supervisor);
    kill(supervisor, SIGSTOP);
    kill(guard, SIGSTOP);
    const auto until = std::chrono::steady_clock::now() + patience;
    while (count_of(house.happened(), "slow", "ready") == 0) {
        REQUIRE(std::chrono::steady_clock::now() < until);
        usleep(1000);
    }
    kill(guard, SIGKILL);
    kill(supervisor, SIGKILL);
    waitpid(guard, nullptr, 0);
    // As one leaves it that renews itself, and has let go of its lock.
    const std::string path = house.path("run/applications/1.json");
    Json record = Json::parse(std::ifstream(path));
    record["notify"] = 9;
    record["kept_open_by"] = {supervisor, 1};
    std::ofstream(path) << record.dump();
    house.reconnect([&](pid_t pid) { return pid != supervisor; }, TEST_SUPERVISOR);
    CHECK(house.await_phase(1, "started")["restarts"] == 0);
}

TEST_CASE("what is printed is kept in its order, over the death of supervisors, and a flood stops nobody")
{
    House house;
    Application talker = house.stand_in(1, "talker", {"--lines-a-second", "10000"});
    house.describe({talker});
    house.order({1}, "running");
    const auto printed = [&] { return std::ranges::count(house.output_of(1), '\n'); };
    const auto await_printed = [&](long least) { house.await([&](auto&) { return printed() > least; }); };
    await_printed(1000);
    kill(house.supervisor(), SIGKILL);
    house.reconnect();
    await_printed(printed() + 1000);
    house.order({1}, "stopped");
    house.await_phase(1, "stopped");
    // All that it has printed, in its order: the pipe has kept what came while nobody read. Only what the
    // killed one had read and not written went with it: what it was about to write, and no second time.
    std::istringstream lines(house.output_of(1));
    std::vector<long> gaps;
    long expected = 0;
    for (std::string line; std::getline(lines, line); ++expected) {
        const long number = std::stol(line.substr(line.find("line ") + 5));
        if (number != expected) gaps.push_back(number - expected);
        expected = number;
        const std::string end = fmt::format("Z line {} of many that are printed in a second", number);
        if (!line.ends_with(end)) FAIL_CHECK(line, " is not ", end);
    }
    CHECK(gaps.size() <= 1);
    for (const long gap : gaps) {
        CHECK(gap > 0);
        CHECK(gap <= 1000);
    }
}

TEST_CASE("gates: a licence that is missing or has run out, and a port that does not answer")
{
    House house;
    const uint16_t port = free_port();
    Application gated = house.stand_in(1, "gated");
    gated.gates = {{.kind = Gate::Kind::file, .path = house.path("licence"), .valid_until = "2100-01-01"},
                   {.kind = Gate::Kind::port, .address = "127.0.0.1", .port = port}};
    Application outdated = house.stand_in(2, "outdated");
    outdated.gates = {{.kind = Gate::Kind::file,
                       .path = house.path("licence"),
                       .valid_until = "2001-01-01",
                       .timeout = 100ms}};
    outdated.nonstop.failures = 0;
    Application server = house.stand_in(3, "server", {"--port", std::to_string(port)});
    house.describe({gated, outdated, server});
    house.order({1, 2}, "running");
    CHECK(house.await_phase(1, "waiting")["reason"].get<std::string>().starts_with("waits for file"));
    std::ofstream(house.path("licence")) << "good\n";
    CHECK(house.await_phase(2, "failed")["reason"].get<std::string>().find("did not come in time") !=
          std::string::npos);
    CHECK(house.standings()[1]["phase"] == "waiting");
    house.order({3}, "running");
    house.await_phase(1, "started");
}

TEST_CASE("readiness and health by port and command; a role is told by the pipe")
{
    House house;
    const uint16_t port = free_port();
    Application server = house.stand_in(1, "server", {"--port", std::to_string(port), "--act-every", "20"});
    server.readiness = {.kind = Question::Kind::port, .address = "127.0.0.1", .port = port};
    server.health = {.kind = Question::Kind::command,
                     .command = {"test", "!", "-e", house.path("sick")},
                     .interval = 20ms,
                     .failures = 2};
    server.orders.kind = Orders::Kind::pipe;
    server.drain_timeout = 10s;
    server.pair = framework::supervision::Pairing{.pair = 5, .other = 2};
    house.describe({server});
    house.order({1}, "running");
    const pid_t first = house.await_phase(1, "started")["pid"];
    CHECK(answer_of(port) == fmt::format("server {} backup\n", first));
    house.ask("Pairs", {{"self", 1}, {"pairs", {pair_of({.applications = {1}})}}});
    house.await([](auto& now) { return now[1]["told"] == "primary"; });
    std::ofstream(house.path("sick")) << "x";
    const Json ill = house.await([](auto& now) { return now[1]["restarts"] > 0; })[1];
    CHECK(ill["last"] == "signal 9 (Killed)");
    unlink(house.path("sick").c_str());
    house.await([](auto& now) { return now[1]["phase"] == "started" && now[1]["told"] == "primary"; });
    house.order({1}, "stopped");
    house.await_phase(1, "stopped");
    CHECK(count_of(house.happened(), "server", "drained") == 1);
}

TEST_CASE("another account, and limits, as far as this host has them")
{
    if (geteuid() != 0) return;
    House house;
    Application limited = house.stand_in(1, "limited");
    limited.command = {"/bin/sh", "-c", "id -un; ulimit -n; exec sleep 1000"};
    limited.readiness.kind = Question::Kind::running;
    limited.user = "nobody";
    limited.limits.open_files = 77;
    limited.limits.memory = 64 << 20;
    Application nobody = house.stand_in(2, "nobody");
    nobody.user = "no-such-user";
    nobody.nonstop.failures = 0;
    house.describe({limited, nobody});
    house.order({1, 2}, "running");
    house.await_phase(1, "started");
    CHECK(house.await_phase(2, "failed")["reason"] ==
          "it could not be started: there is no user no-such-user on this host");
    for (int i = 0; i < 3000 && house.output_of(1).find(" 77\n") == std::string::npos; ++i) usleep(1000);
    CHECK(house.output_of(1).find("Z nobody\n") != std::string::npos);
    CHECK(house.output_of(1).find("Z 77\n") != std::string::npos);
    const Json missing = house.standings()[1]["not_in_force"];
    CHECK((missing.empty() || missing == Json{"memory"}));
}

/// Applications that need each other at random, without a cycle.
std::vector<Application> random_stack(House& house, std::minstd_rand& random)
{
    const auto below = [&](size_t limit) { return static_cast<size_t>(random() % limit); };
    std::vector<Application> all;
    const size_t count = 2 + below(6);
    for (size_t i = 0; i < count; ++i) {
        const auto id = static_cast<ApplicationId>(i + 1);
        Application one =
            house.stand_in(id, fmt::format("a{}", id), {"--ready-after", std::to_string(below(8))});
        for (const Application& other : all) {
            if (below(3) == 0)
                one.gates.push_back(
                    {.kind = Gate::Kind::application, .application = other.id, .name = other.name});
        }
        all.push_back(std::move(one));
    }
    std::ranges::shuffle(all, random);
    return all;
}

/// Nothing begins before what it needs is ready, or is told to stop before what needs it has ended.
void check_order(const std::vector<Application>& stack, const std::vector<Happened>& happened)
{
    std::map<std::pair<std::string, std::string>, int64_t> at;
    for (const Happened& one : happened) at[{one.name, one.what}] = one.at;
    for (const Application& one : stack) {
        REQUIRE(at.contains({one.name, "ended"}));
        for (const Gate& gate : one.gates) {
            CHECK(at[{gate.name, "ready"}] < at[{one.name, "started"}]);
            CHECK(at[{one.name, "ended"}] < at[{gate.name, "told to stop"}]);
        }
    }
}

TEST_CASE("500 random stacks: nothing starts before its prerequisites are ready, and they stop in reverse")
{
    const char* const asked = getenv("BELAY_STACKS");  // NOLINT(concurrency-mt-unsafe)
#if defined(BELAY_SANITIZE_ADDRESS) || defined(BELAY_SANITIZE_THREAD)
    constexpr int by_default = 50;  // a start takes ten times as long
#else
    constexpr int by_default = 500;
#endif
    const int stacks = asked == nullptr ? by_default : std::stoi(asked);
    House house;
    for (int seed = 1; seed <= stacks; ++seed) {
        CAPTURE(seed);
        std::minstd_rand random(static_cast<unsigned>(seed));
        unlink(house.path("trace").c_str());
        const std::vector<Application> stack = random_stack(house, random);
        std::vector<ApplicationId> ids;
        for (const Application& one : stack) ids.push_back(one.id);
        house.describe(stack);
        house.order(ids, "running");
        house.await([](auto& now) {
            return std::ranges::all_of(now, [](auto& one) { return one.second["phase"] == "started"; });
        });
        house.order(ids, "stopped");
        house.await([](auto& now) {
            return std::ranges::all_of(now, [](auto& one) { return one.second["phase"] == "stopped"; });
        });
        check_order(stack, house.happened());
    }
}

}  // namespace
}  // namespace belay::supervisor
