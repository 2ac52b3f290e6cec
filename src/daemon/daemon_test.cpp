// belayd as a process, seen from outside: faces come, processes are killed, disks are full.

#include "backup/catalog/testing/shelf.h"
#include "daemon/testing/run.h"
#include "daemon/testing/time_limit.h"
#include "host/testing/processes.h"
#include "site/client.h"
#include "site/starter.h"
#include "site/wire.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <future>
#include <poll.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace belay::daemon {
namespace {

using namespace std::chrono_literals;
using site::Client;

/// A folder with a state, a socket and room for files; whatever daemon serves it ends with it.
class Place {
  public:
    Place()
    {
        std::string name = "/tmp/belay-daemon-XXXXXX";
        REQUIRE(mkdtemp(name.data()) != nullptr);
        folder_ = name;
        REQUIRE(mkdir(path("files").c_str(), 0755) == 0);
        REQUIRE(mkfifo(path("files/go").c_str(), 0600) == 0);
    }
    ~Place()
    {
        for (const pid_t pid : started_) kill(pid, SIGKILL);
        for (const pid_t pid : started_) waitpid(pid, nullptr, 0);
        // The server of messages outlives every belayd, and may be just starting.
        const auto until = std::chrono::steady_clock::now() + 10s;
        for (auto left = host::testing::processes_with(path("state"));
             !left.empty() && std::chrono::steady_clock::now() < until;
             left = host::testing::processes_with(path("state"))) {
            for (const pid_t pid : left) kill(pid, SIGKILL);
            usleep(5'000);
        }
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    std::string path(std::string_view name) const { return fmt::format("{}/{}", folder_, name); }
    bool has(std::string_view name) const { return access(path(name).c_str(), F_OK) == 0; }
    site::ConnectOptions options() const
    {
        return {.socket = path("run/belayd.sock"),
                .state_folder = path("state"),
                .daemon = TEST_BELAYD,
                .gives_way = true};
    }

    /// Connects, and starts the daemon where there is none.
    std::unique_ptr<Client> face()
    {
        auto client = site::connect(options());
        REQUIRE_MESSAGE(client, (client ? "" : client.error().what));
        pid_ = ask(**client, "Hello", {{"version", BELAY_VERSION}}).at("pid");
        started_.insert(pid_);
        return std::move(*client);
    }
    pid_t pid() const { return pid_; }  ///< of the daemon that a face met last

    static Json ask(Client& face, std::string_view method, const Json& parameters)
    {
        const Result<Json> answer = face.call(method, parameters);
        REQUIRE_MESSAGE(answer, (answer ? "" : answer.error().what));
        return *answer;
    }

    /// The exit code of the daemon, once it has ended.
    int await_end(pid_t pid)
    {
        int status = 0;
        REQUIRE(waitpid(pid, &status, 0) == pid);
        started_.erase(pid);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

    /// Waits until a slow step runs its command, and lets that end when the result goes.
    host::Descriptor meet_slow_step()
    {
        host::Descriptor writing(open(path("files/go").c_str(), O_WRONLY | O_CLOEXEC));
        REQUIRE(writing);
        return writing;
    }

    std::string plan(Client& face, std::string_view procedure, Json more = Json::object())
    {
        more.update({{"procedure", procedure}, {"arguments", {{"folder", path("files")}}}, {"keep", true}});
        const Json answer = ask(face, "Plan", more);
        REQUIRE(answer.at("refused") == false);
        return answer.at("operation");
    }

    /// The state in which it comes to rest.
    static std::string rest(Client& face, const std::string& id, bool settle = true)
    {
        Json last;
        const testing::TimeLimit limit(face, std::chrono::steady_clock::now() + std::chrono::minutes(2));
        const auto ended =
            face.stream("Watch", {{"operation", id}, {"settle", settle}}, [&](const Json& view) {
                last = view;
                return true;
            });
        REQUIRE_MESSAGE(ended, (ended ? "" : ended.error().what));
        return last.at("state");
    }

    static std::string go(Client& face, const std::string& id, std::string_view verb)
    {
        ask(face, "Request", {{"operation", id}, {"verb", verb}});
        return rest(face, id);
    }

  private:
    std::string folder_;
    pid_t pid_ = 0;
    std::set<pid_t> started_;
};

TEST_CASE("an operation goes through its life, and every phase is seen by a face")
{
    Place place;
    const auto face = place.face();
    const std::string id = place.plan(*face, "test.files", {{"why", "the old ones are small"}});
    CHECK(Place::go(*face, id, "add") == "added");
    CHECK(place.has("files/added"));
    CHECK(!place.has("files/activated"));
    CHECK(Place::go(*face, id, "activate") == "activated");
    CHECK(Place::go(*face, id, "commit") == "committed");
    CHECK(place.has("files/committed"));

    const Json audit = Place::ask(*face, "Audit", Json::object()).at("entries");
    REQUIRE(audit.size() == 4);
    CHECK(audit[0].at("why") == "the old ones are small");
    CHECK(audit[0].at("origin") == fmt::format("uid {}, pid {} by the local socket", getuid(), getpid()));
    CHECK(Place::ask(*face, "Records", {{"operation", id}}).at("records").size() > 8);
    CHECK(Place::ask(*face, "List", Json::object()).at("operations").empty());
    CHECK(Place::ask(*face, "List", {{"ended", true}}).at("operations").size() == 1);
    CHECK(Place::ask(*face, "List", {{"ended", true}, {"limit", 0}}).at("omitted") == 1);
}

TEST_CASE("an abort by a person takes everything back")
{
    Place place;
    const auto face = place.face();
    const std::string id = place.plan(*face, "test.files");
    CHECK(Place::go(*face, id, "add") == "added");
    CHECK(Place::go(*face, id, "activate") == "activated");
    CHECK(Place::go(*face, id, "abort") == "aborted");
    CHECK(!place.has("files/added"));
    CHECK(!place.has("files/activated"));
}

TEST_CASE("a one-shot goes through to commit, with its soak, without being asked")
{
    Place place;
    const auto face = place.face();
    const std::string id = place.plan(*face, "test.files", {{"one_shot", true}, {"soak_ms", 50}});
    CHECK(Place::go(*face, id, "add") == "committed");
}

TEST_CASE("nobody commits: the timer aborts at its deadline and not before")
{
    Place place;
    const auto face = place.face();
    const std::string id = place.plan(*face, "test.files", {{"timer_ms", 400}});
    CHECK(Place::go(*face, id, "add") == "added");
    CHECK(Place::go(*face, id, "activate") == "activated");
    CHECK(Place::rest(*face, id, false) == "aborted");
    const Json view = Place::ask(*face, "Show", {{"operation", id}});
    int64_t activating = 0, aborting = 0;
    for (const Json& transition : view.at("transitions")) {
        if (transition.at("to") == "activating") activating = transition.at("at_ms");
        if (transition.at("to") == "aborting") aborting = transition.at("at_ms");
    }
    CHECK(aborting - activating >= 400);
    CHECK(aborting - activating < 2000);
    CHECK(!place.has("files/activated"));
}

TEST_CASE("a timer that was extended leaves the operation alone, and one that was stopped is gone")
{
    Place place;
    const auto face = place.face();
    const std::string id = place.plan(*face, "test.files", {{"timer_ms", 60'000}});
    CHECK(Place::go(*face, id, "add") == "added");
    CHECK(Place::go(*face, id, "activate") == "activated");
    const Json extended =
        Place::ask(*face, "Timer", {{"operation", id}, {"change", "extend"}, {"by_ms", 60'000}});
    CHECK(extended.at("timer").at("left_ms") > 100'000);
    const Json stopped = Place::ask(*face, "Timer", {{"operation", id}, {"change", "stop"}});
    CHECK(stopped.at("timer").at("stopped") == true);
}

TEST_CASE("a gate that breaks in the soak aborts, and the view says which")
{
    Place place;
    const auto face = place.face();
    const std::string id =
        place.plan(*face, "test.files", {{"gates", {"command:false"}}, {"gate_grace_ms", 100}});
    CHECK(Place::go(*face, id, "add") == "added");
    Place::ask(*face, "Request", {{"operation", id}, {"verb", "activate"}});
    CHECK(Place::rest(*face, id, false) == "aborted");
    const std::string reason = Place::ask(*face, "Show", {{"operation", id}}).at("reason");
    CHECK(reason.contains("command:false"));
}

TEST_CASE("requests that make no sense are refused with what would make sense")
{
    Place place;
    const auto face = place.face();
    const auto refusal = [&](std::string_view method, const Json& parameters) {
        const Result<Json> answer = face->call(method, parameters);
        REQUIRE(!answer);
        return answer.error();
    };
    const Json folder = {{"folder", place.path("files")}};
    CHECK(refusal("Plan", {{"procedure", "test.none"}}).kind == ErrorKind::not_found);
    CHECK(refusal("Plan", {{"procedure", "test.files"}}).what ==
          "test.files wants folder (where the files go), as folder=/tmp/x");
    CHECK(refusal("Plan", {{"procedure", "test.files"}, {"arguments", {{"folder", "/"}, {"x", "y"}}}}).what ==
          "test.files has no argument x");
    CHECK(refusal("Plan", {{"procedure", "test.files"}, {"arguments", {1}}}).kind == ErrorKind::usage);
    CHECK(refusal("Plan", {{"procedure", "test.files"}, {"arguments", folder}, {"gates", {"x"}}}).kind ==
          ErrorKind::usage);
    CHECK(refusal("Plan", {{"procedure", "test.files"}, {"arguments", folder}, {"timer_ms", -1}}).kind ==
          ErrorKind::usage);
    CHECK(refusal("Plan", {{"procedure", "test.files"}, {"arguments", folder}, {"kept", true}}).what ==
          "no parameter of this method is called kept");
    CHECK(refusal("Show", {{"operation", 7}}).kind == ErrorKind::usage);
    CHECK(refusal("Show", {{"operation", "7/../1"}}).kind == ErrorKind::not_found);
    CHECK(refusal("Request", {{"operation", "1"}, {"verb", "dance"}}).kind == ErrorKind::usage);
    CHECK(refusal("Timer", {{"operation", "1"}, {"change", "extend"}}).kind == ErrorKind::usage);
    CHECK(refusal("List", {{"limit", -1}}).kind == ErrorKind::usage);
    CHECK(refusal("Procedures", {{"name", "test.none"}}).kind == ErrorKind::not_found);
    CHECK(Place::ask(*face, "Procedures", Json::object()).at("procedures").size() == 10);
    const Json install = Place::ask(*face, "Procedures", {{"name", "image.install"}});
    for (const Json& argument : install.at("procedures").at(0).at("arguments")) {
        const bool is_for_people = argument.at("name") == "image" || argument.at("name") == "version";
        CHECK_MESSAGE(argument.value("internal", false) != is_for_people, argument.dump());
    }
    CHECK(Place::ask(*face, "Clean", {{"dry_run", true}}).at("removed").empty());
}

TEST_CASE("the configuration is changed, survives the daemon's death unconfirmed, and returns by its timer")
{
    Place place;
    auto face = place.face();
    const auto change = [&](const std::string& text, Json more = Json::object()) -> std::string {
        more.update({{"procedure", "config.change"}, {"arguments", {{"text", text}}}, {"keep", true}});
        const Json answer = Place::ask(*face, "Plan", more);
        REQUIRE(answer.at("refused") == false);
        return answer.at("operation");
    };
    const std::string first = change(
        "[host.h1]\naddress = \"10.0.0.1\"\n[storage.s]\nkind = \"folder\"\nhost = "
        "\"h1\"\nlocation = \"/x\"\npassword = \"PLANTED\"\n");
    CHECK(Place::go(*face, first, "add") == "added");
    CHECK(Place::go(*face, first, "activate") == "activated");
    CHECK(Place::go(*face, first, "commit") == "committed");
    const std::string before = Place::ask(*face, "ConfigShow", Json::object()).at("text");
    CHECK(before.contains("password = \"sealed:"));

    const std::string second =
        change("[host.h1]\nlocation = \"room 2\"\n", {{"timer_ms", 3000}, {"why", "moved"}});
    CHECK(Place::go(*face, second, "add") == "added");
    CHECK(Place::go(*face, second, "activate") == "activated");
    const Json host = Place::ask(*face, "ConfigShow", {{"type", "host"}, {"name", "h1"}});
    CHECK(host.at("version") == 2);
    CHECK(host.at("text") == "[host.h1]  # id 1\naddress = \"10.0.0.1\"\nlocation = \"room 2\"\n");
    REQUIRE(kill(place.pid(), SIGKILL) == 0);
    CHECK(place.await_end(place.pid()) == 128 + SIGKILL);
    face = place.face();
    CHECK(Place::rest(*face, second, false) == "aborted");
    CHECK(Place::ask(*face, "ConfigShow", Json::object()).at("text") == before);
    const Json versions = Place::ask(*face, "ConfigHistory", Json::object()).at("versions");
    REQUIRE(versions.size() == 3);
    CHECK(versions[1].at("why") == "moved");
    CHECK(versions[2].at("takes_back") == 2);

    const auto bad = face->call(
        "Plan", {{"procedure", "config.change"}, {"arguments", {{"text", "[host.x]\nport = 1\n"}}}});
    REQUIRE(!bad);
    CHECK(bad.error().output.contains("configuration:2:1: error: host has no attribute \"port\""));
    CHECK(face->call("ConfigShow", {{"type", "ghost"}}).error().kind == ErrorKind::usage);
    CHECK(face->call("ConfigShow", {{"type", "host"}, {"name", "h9"}}).error().kind == ErrorKind::not_found);

    size_t files = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(place.path("state"))) {
        if (!entry.is_regular_file()) continue;
        std::ifstream file(entry.path(), std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(file), {}};
        CHECK_MESSAGE(!bytes.contains("PLANTED"), entry.path().string());
        ++files;
    }
    CHECK(files >= 3);
}

TEST_CASE("a daemon answers from the catalog beside its state, and says where there is none")
{
    namespace shelf = backup::catalog::testing;
    Place place;
    const auto face = place.face();
    const Result<Json> none = face->call("CatalogSearch", {{"what", "/etc/fstab"}});
    REQUIRE_FALSE(none);
    CHECK(none.error().kind == ErrorKind::not_found);
    CHECK(none.error().what.ends_with(" keeps no catalog"));

    REQUIRE(mkdir(place.path("state/catalog").c_str(), 0700) == 0);
    const std::string file = place.path("state/catalog/catalog.sqlite");
    const auto catalog = must(backup::catalog::Catalog::open(file, backup::catalog::Use::make));
    must(catalog->finish());
    for (int i = 1; i <= 3; ++i) {
        shelf::MadeSnapshot made{.entry = {}, .files = {{"etc", {}}, {"etc/fstab", {7}}}};
        made.entry.repository = shelf::id_of_text("repository");
        made.entry.id = shelf::id_of_text(std::to_string(i));
        made.entry.seconds = int64_t{i} * 1000;
        made.entry.host = i == 3 ? "web2" : "web1";
        shelf::put(*catalog, made);
    }
    const Json found = Place::ask(*face, "CatalogSearch", {{"what", "/etc/fstab"}, {"clients", {"web1"}}});
    REQUIRE(found.at("files").size() == 1);
    CHECK(found.at("files")[0].at("path") == "/etc/fstab");
    CHECK(found.at("files")[0].at("versions")[0].at("snapshots") == 2);
    CHECK(found.at("repositories")[0].at("location") == "/srv/backup");
    const Json older = Place::ask(*face, "CatalogSearch", {{"what", "fstab"}, {"newest", 1500}});
    CHECK(older.at("files")[0].at("versions")[0].at("newest").at("seconds") == 1000);
    CHECK(Place::ask(*face, "CatalogClients", Json::object()).at("clients").size() == 2);
    const Json newest = Place::ask(*face, "CatalogSnapshots", {{"limit", 1}});
    CHECK(newest.at("snapshots").size() == 1);
    CHECK(newest.at("snapshots")[0].at("seconds") == 3000);
    CHECK(newest.at("omitted") == 2);

    const auto error = [&](const Json& parameters) {
        return face->call("CatalogSearch", parameters).error().what;
    };
    CHECK(error({{"what", "fstab"}, {"clients", {"web9"}}}) == "the catalog has no client web9");
    CHECK(error({{"what", "[a"}}).contains("[a"));
    CHECK(error({{"what", "fstab"}, {"repositories", {"x"}}}) == "\"repositories\": x is no id");
    CHECK(error({{"what", "fstab"}, {"newst", 3}}).contains("newst"));
}

TEST_CASE("a runbook goes through its life, and the daemon needs its file no more")
{
    Place place;
    const auto face = place.face();
    const std::string text = fmt::format(
        "name = \"own\"\nsummary = \"s\"\n[variables.text]\nmeaning = \"m\"\n[[step]]\nname = \"a\"\ntitle = "
        "\"A\"\n"
        "phase = \"activate\"\nwrite = {{ path = \"{}\", text = \"${{text}}\" }}\n",
        place.path("files/own"));
    const Json answer = Place::ask(
        *face, "Plan",
        {{"runbook", text}, {"runbook_file", "own.toml"}, {"arguments", {{"text", "x"}}}, {"keep", true}});
    const std::string id = answer.at("operation");
    CHECK(answer.at("plan").at("asked").at("file") == "own.toml");
    CHECK(Place::go(*face, id, "add") == "added");
    kill(place.pid(), SIGKILL);
    place.await_end(place.pid());
    const auto later = place.face();
    CHECK(Place::go(*later, id, "activate") == "activated");
    CHECK(place.has("files/own"));
    CHECK(Place::go(*later, id, "abort") == "aborted");
    CHECK(!place.has("files/own"));
}

TEST_CASE("a runbook with errors is refused with all of them")
{
    Place place;
    const auto face = place.face();
    const auto refusal = [&](const Json& parameters) {
        const Result<Json> answer = face->call("Plan", parameters);
        REQUIRE(!answer);
        CHECK(answer.error().kind == ErrorKind::usage);
        return answer.error();
    };
    const Error error = refusal({{"runbook", "nam = 1"}, {"runbook_file", "own.toml"}});
    CHECK(error.what == "the runbook own.toml has 4 errors");
    CHECK(error.output.starts_with("own.toml:1:1: error: "));
    CHECK(error.next == "belay runbook lint own.toml");
    CHECK(refusal({{"runbook", "x"}, {"procedure", "test.files"}}).what.contains("one of them is wanted"));
    CHECK(refusal(Json::object()).what.contains("one of them is wanted"));
}

TEST_CASE("a belay of another version is told which one runs and how to start the new one")
{
    Place place;
    const auto face = place.face();
    const Error refusal = face->call("Hello", {{"version", "0.0.1"}}).error();
    CHECK(refusal.kind == ErrorKind::version);
    CHECK(refusal.what == "belayd " BELAY_VERSION " runs, and this is belay 0.0.1");
    CHECK(refusal.next.starts_with(fmt::format("sudo kill {}", place.pid())));
}

TEST_CASE("two faces that need a daemon at once get the same one")
{
    Place place;
    const auto pid_of_mine = [&]() -> Result<pid_t> {
        const auto client = TRY(site::connect(place.options()));
        return TRY(client->call("Hello", {{"version", BELAY_VERSION}})).at("pid").get<pid_t>();
    };
    std::array<std::future<Result<pid_t>>, 4> faces;
    for (auto& face : faces) face = std::async(std::launch::async, pid_of_mine);
    const auto last = [&] {
        std::set<pid_t> pids;
        for (auto& face : faces) {
            const Result<pid_t> pid = face.get();
            REQUIRE_MESSAGE(pid, (pid ? "" : pid.error().what));
            pids.insert(*pid);
        }
        return pids;
    }();
    CHECK(last.size() == 1);
    CHECK(place.face());
    CHECK(last.contains(place.pid()));
}

TEST_CASE("a second daemon on the same state is refused, and the first goes on")
{
    Place place;
    const auto face = place.face();
    const auto second =
        site::start_daemon({TEST_BELAYD, place.path("run/other.sock"), place.path("state"), true});
    REQUIRE(!second);
    CHECK(second.error().kind == ErrorKind::busy);
    CHECK(second.error().what ==
          fmt::format("belayd with pid {} serves {} already", place.pid(), place.path("state")));
    CHECK(face->call("List", Json::object()));
}

TEST_CASE(
    "a daemon that a command has started ends for one that is started as a service, and not the reverse")
{
    Place place;
    REQUIRE(place.face());
    const pid_t by_command = place.pid();
    const pid_t service = testing::start_and_await_ready(
        {TEST_BELAYD, "--socket", place.path("run/service.sock"), "--state-dir", place.path("state")});
    CHECK(place.await_end(by_command) == 0);
    const auto third =
        site::start_daemon({TEST_BELAYD, place.path("run/other.sock"), place.path("state"), true});
    REQUIRE(!third);
    CHECK(third.error().what ==
          fmt::format("belayd with pid {} serves {} already", service, place.path("state")));
    kill(service, SIGTERM);
    CHECK(testing::code_of(service) == 0);
}

TEST_CASE("a daemon that cannot make its state folder says so to the one who started it")
{
    Place place;
    site::ConnectOptions options = place.options();
    options.state_folder = place.path("none/state");
    const auto client = site::connect(options);
    CHECK(client.error().kind == ErrorKind::not_found);
    CHECK(client.error().what.contains("none/state"));
}

TEST_CASE("a terminated daemon finishes the step that it is at; the next one goes on from there")
{
    Place place;
    auto face = place.face();
    const std::string id = place.plan(*face, "test.slow", {{"one_shot", true}});
    Place::ask(*face, "Request", {{"operation", id}, {"verb", "add"}});
    {
        const host::Descriptor step = place.meet_slow_step();
        REQUIRE(kill(place.pid(), SIGTERM) == 0);
        // It hangs up on its faces as soon as it has taken notice.
        CHECK(face->stream("Watch", {{"operation", id}}, [](const Json&) { return true; }).error().kind ==
              ErrorKind::unavailable);
    }
    CHECK(place.await_end(place.pid()) == 0);
    CHECK(place.has("files/added"));
    CHECK(!place.has("files/activated"));
    CHECK(!place.has("run/belayd.sock"));

    face = place.face();
    CHECK(Place::rest(*face, id) == "committed");
}

TEST_CASE("a killed daemon: the next one waits for its command, then the operation goes on by itself")
{
    Place place;
    auto face = place.face();
    const std::string id = place.plan(*face, "test.slow", {{"one_shot", true}});
    Place::ask(*face, "Request", {{"operation", id}, {"verb", "add"}});
    {
        const host::Descriptor command = place.meet_slow_step();
        REQUIRE(kill(place.pid(), SIGKILL) == 0);
        CHECK(place.await_end(place.pid()) == 128 + SIGKILL);
        const auto next = site::connect(place.options());
        REQUIRE(!next);
        CHECK(next.error().kind == ErrorKind::unavailable);
        CHECK(next.error().what.contains("waits for commands of an earlier belayd"));
    }
    face = place.face();
    CHECK(place.meet_slow_step());
    CHECK(Place::rest(*face, id) == "committed");
}

TEST_CASE("a disk full under the journal: nothing goes on, the view says why, and room mends it" *
          doctest::skip(geteuid() != 0))
{
    Place place;
    REQUIRE(mkdir(place.path("state").c_str(), 0700) == 0);
    if (mount("tmpfs", place.path("state").c_str(), "tmpfs", 0, "size=12m") != 0) {
        MESSAGE("no tmpfs can be mounted here");
        return;
    }
    const auto unmount = [&](const void*) { umount2(place.path("state").c_str(), MNT_DETACH); };
    const std::unique_ptr<const Place, decltype(unmount)> mounted(&place, unmount);

    const auto face = place.face();
    const std::string id = place.plan(*face, "test.slow");
    Place::ask(*face, "Request", {{"operation", id}, {"verb", "add"}});
    {
        const host::Descriptor step = place.meet_slow_step();
        std::ofstream filler(place.path("state/filler"), std::ios::binary);
        const std::string block(64 << 10, 'x');
        while (filler.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
        }
    }
    Json stuck;
    CHECK(face->stream("Watch", {{"operation", id}}, [&](const Json& view) {
        if (view.contains("stuck")) stuck = view.at("stuck");
        return stuck.is_null();
    }));
    CHECK(stuck.at("kind") == "no_space");
    std::filesystem::remove(place.path("state/filler"));
    CHECK(Place::rest(*face, id) == "added");
    CHECK(!Place::ask(*face, "Show", {{"operation", id}}).contains("stuck"));
}

/// The number behind a name in /proc/PID/status.
long status_of(pid_t pid, std::string_view name)
{
    std::ifstream status(fmt::format("/proc/{}/status", pid));
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with(fmt::format("{}:", name))) return std::stol(line.substr(name.size() + 1));
    }
    FAIL("no such line");
    return 0;
}

TEST_CASE("an idle daemon has one thread, and never wakes up")
{
    Place place;
    const auto face = place.face();
    const std::string id = place.plan(*face, "test.files");
    CHECK(Place::go(*face, id, "add") == "added");
    // The message server is started, the alarms are looked after; then nothing is to happen for a while.
    const host::Descriptor daemon(static_cast<int>(syscall(SYS_pidfd_open, place.pid(), 0)));
    pollfd ends{daemon.number(), POLLIN, 0};
    bool was_idle = false;
    for (int look = 0; look < 15 && !was_idle; ++look) {
        const long before = status_of(place.pid(), "voluntary_ctxt_switches");
        REQUIRE(poll(&ends, 1, 3000) == 0);
        was_idle = status_of(place.pid(), "voluntary_ctxt_switches") == before;
    }
    CHECK(was_idle);
#if !defined(BELAY_SANITIZE_ADDRESS) && !defined(BELAY_SANITIZE_THREAD)
    CHECK(status_of(place.pid(), "Threads") == 1);
    CHECK(status_of(place.pid(), "VmRSS") < 20 * 1024);
#endif
}

TEST_CASE("systemd is told by a datagram when the daemon serves and when it ends")
{
    Place place;
    const std::string path = place.path("notify");
    const host::Descriptor notify(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(bind(notify.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    const auto heard = [&] {
        std::array<char, 64> room{};
        pollfd comes{notify.number(), POLLIN, 0};
        REQUIRE(poll(&comes, 1, 10'000) == 1);
        const ssize_t count = recv(notify.number(), room.data(), room.size(), 0);
        return std::string(room.data(), static_cast<size_t>(std::max<ssize_t>(count, 0)));
    };
    const site::ConnectOptions options = place.options();
    std::vector<std::string> words = {TEST_BELAYD, "--state-dir", options.state_folder, "--socket",
                                      options.socket};
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    std::string variable = "NOTIFY_SOCKET=" + path;
    std::array<char*, 2> environment = {variable.data(), nullptr};
    pid_t pid = -1;
    REQUIRE(posix_spawn(&pid, TEST_BELAYD, nullptr, nullptr, argv.data(), environment.data()) == 0);
    CHECK(heard() == "READY=1");
    CHECK(place.face());
    REQUIRE(kill(pid, SIGTERM) == 0);
    CHECK(heard() == "STOPPING=1");
    CHECK(place.await_end(pid) == 0);
}

}  // namespace
}  // namespace belay::daemon
