// What belayd says of itself, as somebody finds it who asks belayd.

#include "daemon/testing/run.h"
#include "host/testing/scratch.h"
#include "site/client.h"
#include "site/local_socket.h"

#include <array>
#include <chrono>
#include <csignal>
#include <doctest/doctest.h>
#include <fstream>
#include <sys/stat.h>

namespace belay::daemon {
namespace {

using namespace std::chrono_literals;
using host::testing::Scratch;

constexpr auto patience = 60s;

/// A belayd that says what happens, with its message server.
class Talkative {
  public:
    Talkative()
    {
        REQUIRE(mkdir(scratch_.path("files").c_str(), 0755) == 0);
        start();
    }
    ~Talkative()
    {
        if (pid_ > 0) kill(pid_, SIGKILL);
        if (pid_ > 0) waitpid(pid_, nullptr, 0);
        if (const pid_t server = message_server(); server > 0) kill(server, SIGKILL);
    }
    Talkative(const Talkative&) = delete;
    Talkative& operator=(const Talkative&) = delete;

    void start()
    {
        pid_ = testing::start_and_await_ready({TEST_BELAYD, "--state-dir", scratch_.path("state"), "--socket",
                                               scratch_.path("run/belayd.sock")});
        client_.reset();
    }
    void stop()
    {
        client_.reset();
        kill(pid_, SIGTERM);
        testing::await_end_of(std::exchange(pid_, 0));
    }

    Json ask(std::string_view method, const Json& parameters = Json::object())
    {
        if (!client_) {
            auto client = site::connect({.socket = scratch_.path("run/belayd.sock"),
                                         .state_folder = scratch_.path("state"),
                                         .daemon = ""});
            REQUIRE_MESSAGE(client, (client ? "" : client.error().what));
            client_ = std::move(*client);
        }
        const Result<Json> answer = client_->call(method, parameters);
        REQUIRE_MESSAGE(answer, (answer ? "" : answer.error().what));
        return *answer;
    }
    std::string plan()
    {
        return ask("Plan", {{"procedure", "test.files"},
                            {"arguments", {{"folder", scratch_.path("files")}}},
                            {"keep", true}})
            .at("operation");
    }
    void request(const std::string& id, std::string_view verb)
    {
        ask("Request", {{"operation", id}, {"verb", verb}});
    }
    /// The texts of what is found, once it is as `come` wants it.
    std::vector<std::string> await(const Json& query, const std::function<bool(size_t)>& come)
    {
        const auto until = std::chrono::steady_clock::now() + patience;
        while (true) {
            std::vector<std::string> texts;
            const Json answer = ask("Messages", query);
            for (const Json& one : answer.at("messages")) texts.push_back(one.at("text"));
            if (come(texts.size())) return texts;
            REQUIRE(std::chrono::steady_clock::now() < until);
            usleep(10'000);
        }
    }
    /// Its process; 0: none serves.
    pid_t message_server() const
    {
        const auto connection = site::connect_to(scratch_.path("run/messages.sock"));
        if (!connection) return 0;
        const auto peer = site::peer_of(connection->number());
        return peer ? peer->pid : 0;
    }
    pid_t pid() const { return pid_; }
    std::string path(std::string_view name) const { return scratch_.path(name); }

  private:
    Scratch scratch_;
    std::unique_ptr<site::Client> client_;
    pid_t pid_ = 0;
};

#if !defined(BELAY_SANITIZE_ADDRESS) && !defined(BELAY_SANITIZE_THREAD)
int threads_of(pid_t pid)
{
    std::ifstream status(fmt::format("/proc/{}/status", pid));
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("Threads:")) return std::stoi(line.substr(8));
    }
    return 0;
}
#endif

TEST_CASE("operations are said as they go on, also over the death of the message server, each once")
{
    Talkative belayd;
    CHECK(belayd.message_server() == 0);
    const std::string first = belayd.plan();
    belayd.request(first, "add");
    const Json added = {{"interaction", "operation " + first}, {"text", "is added"}};
    CHECK(belayd.await(added, [](size_t count) { return count > 0; }) ==
          std::vector{fmt::format("operation {} (Make files in {}) is added", first, belayd.path("files"))});
    const pid_t server = belayd.message_server();
    REQUIRE(server > 0);
    kill(server, SIGKILL);
    belayd.request(first, "abort");
    const Json aborted = {{"interaction", "operation " + first}, {"id", "02-00021"}};
    CHECK(belayd.await(aborted, [](size_t count) { return count > 0; }).size() == 1);
    CHECK(belayd.await(added, [](size_t) { return true; }).size() == 1);
    CHECK(belayd.message_server() != server);
    CHECK(belayd.await({{"id", "01-00030"}}, [](size_t count) { return count > 0; }).size() == 1);
}

TEST_CASE("what was said is there after belayd was started again, and its end as well")
{
    Talkative belayd;
    belayd.request(belayd.plan(), "add");
    belayd.await({{"text", "is added"}}, [](size_t count) { return count == 1; });
    belayd.stop();
    belayd.start();
    CHECK(belayd.await({{"id", "01-00031"}}, [](size_t count) { return count > 0; }).size() == 1);
    CHECK(belayd.await({{"text", "is added"}}, [](size_t) { return true; }).size() == 1);
}

TEST_CASE("whose syslog is taken in is told to the message server, which is started for it")
{
    Talkative belayd;
    std::array<char, 256> name{};
    REQUIRE(gethostname(name.data(), name.size() - 1) == 0);
    const auto told = [&]() -> std::string {
        std::ifstream file(belayd.path("state/messages/described.json"));
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        const Result<Json> described = parse_json(text);
        return described && described->is_object() ? described->value("syslog", "") : "";
    };
    for (const std::string wanted : {"all", "none"}) {
        const std::string text = fmt::format(
            "[host.\"{0}\"]\naddress = \"127.0.0.1\"\n[host.\"{0}\".messages]\nsyslog = \"{1}\"\n",
            name.data(), wanted);
        const Json plan = belayd.ask("Plan", {{"procedure", "config.change"},
                                              {"arguments", {{"text", text}, {"file", "site.toml"}}},
                                              {"keep", true},
                                              {"one_shot", true}});
        belayd.request(plan.at("operation"), "add");
        const auto until = std::chrono::steady_clock::now() + patience;
        const auto is_done = [&] {
            return belayd.ask("Show", {{"operation", plan.at("operation")}}).at("state") == "committed";
        };
        while (told() != wanted || !is_done()) {
            REQUIRE(std::chrono::steady_clock::now() < until);
            usleep(10'000);
        }
    }
}

TEST_CASE("a belayd that has said all has one thread, and its message server ends with it")
{
    Talkative belayd;
    belayd.request(belayd.plan(), "add");
    belayd.await({{"text", "is added"}}, [](size_t count) { return count == 1; });
    const auto until = std::chrono::steady_clock::now() + patience;
#if !defined(BELAY_SANITIZE_ADDRESS) && !defined(BELAY_SANITIZE_THREAD)
    while (threads_of(belayd.pid()) != 1) {
        REQUIRE(std::chrono::steady_clock::now() < until);
        usleep(10'000);
    }
#endif
    belayd.stop();
    while (belayd.message_server() != 0) {
        REQUIRE(std::chrono::steady_clock::now() < until);
        usleep(10'000);
    }
}

TEST_CASE("debug is for who asks by the local socket alone, and a query that makes no sense is refused")
{
    Talkative belayd;
    belayd.ask("Messages", {{"limit", 1}});
    auto server = site::connect(
        {.socket = belayd.path("run/messages.sock"), .state_folder = belayd.path("state"), .daemon = ""});
    REQUIRE(server);
    for (const char* level : {"debug", "trace"})
        CHECK((*server)->call("Put", {{"messages", {{{"level", level}, {"text", "from within"}}}}}));
    CHECK(belayd.await({{"text", "within"}}, [](size_t) { return true; }).size() == 2);
    CHECK(belayd.ask("HostMessages", {{"text", "within"}}).at("messages").size() == 1);
    CHECK(belayd.ask("HostMessages", {{"text", "within"}, {"level", "debug"}}).at("messages").size() == 1);
    auto client = site::connect(
        {.socket = belayd.path("run/belayd.sock"), .state_folder = belayd.path("state"), .daemon = ""});
    REQUIRE(client);
    for (const Json& wrong : {Json{{"level", "loud"}}, Json{{"id", "x"}}, Json{{"limit", -1}},
                              Json{{"after_of", 7}}, Json{{"text", 7}}, Json{{"newest", "yes"}}}) {
        INFO(wrong.dump());
        const Result<Json> answer = (*client)->call("Messages", wrong);
        REQUIRE(!answer);
        CHECK(answer.error().kind == ErrorKind::usage);
    }
    CHECK((*client)->call("Messages", {{"host", "elsewhere"}}).error().kind == ErrorKind::not_found);
}

}  // namespace
}  // namespace belay::daemon
