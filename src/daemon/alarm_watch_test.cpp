// Alarms of a belayd as a process: raised by real figures, with reactions that are done, hang and die, and
// with daemons that are killed.

#include "daemon/testing/run.h"
#include "host/files.h"
#include "site/client.h"

#include <chrono>
#include <doctest/doctest.h>
#include <thread>

namespace belay::daemon {
namespace {

using testing::plain_path;

/// A belayd alone on its machine; its host is called as the machine is.
class AlarmBench {
  public:
    AlarmBench()
    {
        std::string name = "/tmp/belay-alarms-XXXXXX";
        REQUIRE(mkdtemp(name.data()) != nullptr);
        folder_ = name;
        start();
    }
    ~AlarmBench()
    {
        if (pid_ > 0) kill();
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    AlarmBench(const AlarmBench&) = delete;
    AlarmBench& operator=(const AlarmBench&) = delete;

    std::string path(std::string_view name) const { return fmt::format("{}/{}", folder_, name); }

    void start()
    {
        pid_ = testing::start_and_await_ready({TEST_BELAYD, "--state-dir", path("state"), "--socket",
                                               path("run/belayd.sock"), "--log-file", path("log"),
                                               "--log-verbose", "all"});
    }
    void kill()
    {
        ::kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
        pid_ = 0;
    }
    pid_t pid() const { return pid_; }

    Json ask(const std::string& method, const Json& parameters = Json::object()) const
    {
        const Result<Json> answer = try_ask(method, parameters);
        REQUIRE_MESSAGE(answer, (answer ? "" : answer.error().what));
        return *answer;
    }
    Result<Json> try_ask(const std::string& method, const Json& parameters) const
    {
        const std::unique_ptr<site::Client> client = TRY(
            site::connect({.socket = path("run/belayd.sock"), .state_folder = path("state"), .daemon = ""}));
        return client->call(method, parameters);
    }
    void configure(const std::string& toml) const
    {
        const Json plan = ask("Plan", {{"procedure", "config.change"},
                                       {"arguments", {{"text", toml}}},
                                       {"keep", true},
                                       {"one_shot", true}});
        REQUIRE_MESSAGE(plan.at("refused") == false, plan.dump());
        ask("Request", {{"operation", plan.at("operation")}, {"verb", "add"}});
        await("the configuration is changed",
              [&] { return ask("Show", {{"operation", plan.at("operation")}}).at("state") == "committed"; });
    }
    Json alarms(bool all = false) const { return ask("AlarmList", {{"all", all}}).at("alarms"); }

    /// Until it holds; the test fails where it does not for long.
    template <typename Holds>
    static void await(const char* what, const Holds& holds)
    {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (!holds()) {
            REQUIRE_MESSAGE(std::chrono::steady_clock::now() < end, what);
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
    }
    std::string read(std::string_view name) const
    {
        return host::files::read(path(name), {1 << 20}).value_or("");
    }

  private:
    std::string folder_;
    pid_t pid_ = 0;
};

/// More of the memory is used than nothing.
constexpr const char* memory_alarm = R"(
[alarm.memory]
severity = "minor"
detect = { figure = "memory", rising = 1, every = "1s" }
reactions = ["note"]
)";

std::string note_to(const std::string& file, const std::string& more = "")
{
    return fmt::format(
        "[script.note]\nkind = \"command\"\ntimeout = \"20s\"\n"
        "command = [\"/bin/sh\", \"-c\", \"{}echo $BELAY_ALARM >> {}\"]\n",
        more, file);
}

TEST_CASE(
    "a figure raises an alarm, its reaction is done once, a person acknowledges it, and it ends with its "
    "condition")
{
    const AlarmBench bench;
    CHECK(bench.alarms().empty());
    bench.configure(note_to(bench.path("noted")) + memory_alarm);
    AlarmBench::await("the reaction is done", [&] {
        const Json alarms = bench.alarms();
        return !alarms.empty() && alarms[0].at("reactions")[0].at("state") == "done";
    });
    CHECK(bench.read("noted") == "memory\n");
    const Json alarm = bench.ask("AlarmShow", {{"number", 1}});
    CHECK(alarm.at("state") == "raised");
    CHECK(alarm.at("text").get<std::string>().starts_with("memory of "));
    CHECK(bench.ask("AlarmAcknowledge", {{"number", 1}, {"note", "seen"}}).at("state") == "acknowledged");
    const auto none = bench.try_ask("AlarmShow", {{"number", 9}});
    REQUIRE_FALSE(none);
    CHECK(none.error().kind == ErrorKind::not_found);
    bench.configure("[alarm.memory]\nremove = true\n");
    AlarmBench::await("it ends", [&] { return bench.alarms().empty(); });
    CHECK(bench.alarms(true)[0].at("state") == "cleared");
    CHECK(bench.read("noted") == "memory\n");
}

TEST_CASE(
    "what is muted is raised and nothing is done, until it is no more; a test says what would be done, and "
    "does it")
{
    const AlarmBench bench;
    bench.configure(note_to(bench.path("noted")) +
                    "[alarm.memory]\nseverity = \"minor\"\nreactions = [\"note\"]\n"
                    "detect = { figure = \"memory\", rising = 100 }\n");
    CHECK(bench.ask("AlarmTry", {{"alarm", "memory"}})
              .at("reactions")[0]
              .at("would")
              .get<std::string>()
              .starts_with("runs [\"/bin/sh\""));
    CHECK(bench.read("noted").empty());
    const Json fired = bench.ask("AlarmTry", {{"alarm", "memory"}, {"fire", true}});
    CHECK(fired.at("reactions")[0].at("state") == "done");
    CHECK(bench.read("noted") == "memory\n");
    CHECK(bench.alarms(true).empty());

    bench.ask("AlarmMute", {{"alarm", "memory"}, {"for_ms", 3'600'000}, {"note", "new memory"}});
    const auto unknown = bench.try_ask("AlarmMute", {{"alarm", "memori"}, {"for_ms", 1000}});
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().next == "belay alarms --conditions");
    bench.configure("[alarm.memory]\ndetect = { rising = 1, every = \"1s\" }\n");
    AlarmBench::await("it is raised", [&] { return !bench.alarms().empty(); });
    CHECK(bench.alarms()[0].at("silenced") == "muted");
    CHECK(bench.ask("AlarmList").at("mutes")[0].at("note") == "new memory");
    CHECK(bench.read("noted") == "memory\n");
    bench.ask("AlarmMute", {{"alarm", "memory"}, {"for_ms", 0}});
    AlarmBench::await("it is done after all", [&] { return bench.read("noted") == "memory\nmemory\n"; });
}

TEST_CASE(
    "a belayd that is killed while a reaction hangs: the reaction dies with it, and is done by the next one")
{
    AlarmBench bench;
    // The first one hangs.
    bench.configure(
        note_to(bench.path("noted"),
                fmt::format("[ -e {0} ] || {{ echo $$ > {0}; sleep 1000; }}; ", bench.path("hangs"))) +
        memory_alarm);
    AlarmBench::await("it hangs", [&] { return !bench.read("hangs").empty(); });
    const pid_t hanging = std::stoi(bench.read("hangs"));
    CHECK(bench.alarms()[0].at("reactions")[0].at("state") == "doing");
    bench.kill();
    AlarmBench::await("it dies with its daemon", [&] {
        const std::string stat =
            host::files::read(fmt::format("/proc/{}/stat", hanging), {4096}).value_or("");
        return stat.empty() || stat.contains(") Z ");
    });
    bench.start();
    AlarmBench::await("it is done", [&] {
        const Json alarms = bench.alarms(true);
        return alarms[0].at("reactions")[0].at("state") == "done";
    });
    CHECK(bench.read("noted") == "memory\n");
    CHECK(bench.alarms(true).size() == 1);
    CHECK(bench.alarms(true)[0].at("reactions")[0].at("attempts") == 2);
}

TEST_CASE("killed again and again while alarms come: each is there once, and each was noted")
{
    AlarmBench bench;
    std::string toml = note_to(bench.path("noted"));
    constexpr int alarms = 12;
    for (int i = 0; i < alarms; ++i)
        toml += fmt::format(
            "[alarm.m{}]\nseverity = \"minor\"\nreactions = [\"note\"]\n"
            "detect = {{ figure = \"memory\", rising = 1, every = \"1s\" }}\n",
            i);
    bench.configure(toml);
    for (int i = 0; i < 10; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(40 + 35 * i));
        bench.kill();
        bench.start();
    }
    AlarmBench::await("all is done", [&] {
        const Json all = bench.alarms(true);
        return all.size() >= alarms && std::ranges::all_of(all, [](const Json& alarm) {
                   return alarm.at("reactions")[0].at("state") == "done";
               });
    });
    std::map<std::string, int> raised;
    for (const Json& alarm : bench.alarms(true)) ++raised[alarm.at("alarm")];
    const std::string noted = bench.read("noted");
    for (int i = 0; i < alarms; ++i) {
        CHECK(raised[fmt::format("m{}", i)] == 1);
        CHECK(noted.contains(fmt::format("m{}\n", i)));
    }
}

TEST_CASE("secrets of relays and webhooks are in no log, no store and no command line")
{
    AlarmBench bench;
    bench.configure(R"(
[relay.r]
server = "127.0.0.1:9"
from = "belay@example.org"
account = "belay"
password = "PLANTED-ONE"

[script.mail]
kind = "mail"
relay = "r"
to = ["anna@example.org"]
timeout = "2s"

[script.note]
kind = "webhook"
url = "https://127.0.0.1:9/"
token = "PLANTED-TWO"
timeout = "2s"
)" + std::string(memory_alarm));
    bench.configure("[alarm.memory]\nreactions = [\"mail\", \"note\"]\n");
    // Nobody is there, so that both fail, and say so.
    bool was_seen = false;
    AlarmBench::await("both were tried", [&] {
        for (const auto& process : std::filesystem::directory_iterator("/proc")) {
            for (const char* name : {"cmdline", "environ"}) {
                const auto text = host::files::read((process.path() / name).string(), {1 << 20});
                was_seen = was_seen || (text && text->contains("PLANTED-"));
            }
        }
        const Json all = bench.alarms(true);
        return !all.empty() && std::ranges::all_of(all[0].at("reactions"), [](const Json& reaction) {
            return reaction.at("attempts") > 0 && reaction.at("state") != "doing";
        });
    });
    CHECK_FALSE(was_seen);
    CHECK_FALSE(bench.alarms(true).dump().contains("PLANTED-"));
    bench.kill();
    size_t files = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(bench.path(""))) {
        if (!entry.is_regular_file()) continue;
        const auto bytes = host::files::read(entry.path().string(), {64 << 20});
        CHECK_MESSAGE((!bytes || !bytes->contains("PLANTED-")), entry.path().string());
        ++files;
    }
    CHECK(files >= 3);
}

}  // namespace
}  // namespace belay::daemon
