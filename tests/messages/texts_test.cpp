// What the catalogue says of messages and of lines, with the message server as a process.

#include "server.h"
#include "supervisor.h"

#include <doctest/doctest.h>
#include <filesystem>
#include <random>
#include <sys/stat.h>
#include <thread>

namespace belay::messages {
namespace {

const std::string sample = R"(
[message.20-00010]
text = "listens at port {port} of {host}"
de.text = "hört an {host} auf Port {port}"

[message.20-00020]
level = "alarm"
text = "gives up"

[[line]]
application = "pinger"
pattern = 'call (?P<interaction>\w+) is answered by (?P<agent>\w+)'
id = "20-00100"
level = "interaction"
)";

/// A server with a catalogue of its own, besides that of Belay.
class ServerWithTexts {
  public:
    ServerWithTexts()
    {
        std::filesystem::create_directory(scratch_.path("texts"));
        put("sample.toml", sample);
        std::ofstream(scratch_.path("program")) << fmt::format(
            "#!/bin/sh\nexec {} --texts {}:{} \"$@\"\n", TEST_MESSAGES, TEST_TEXTS, scratch_.path("texts"));
        chmod(scratch_.path("program").c_str(), 0755);
        server.end(SIGTERM);
        start();
    }
    void start() { server.start(scratch_.path("program")); }
    /// As an editor does it: at once.
    void put(const std::string& name, const std::string& text) const
    {
        scratch_.file("new", text);
        std::filesystem::rename(scratch_.path("new"), scratch_.path("texts/" + name));
    }
    /// What the server has said of its catalogue.
    std::vector<std::string> complaints()
    {
        std::vector<std::string> texts;
        for (const Json& one : server.all({{"id", "01-00023"}})) texts.push_back(one.at("text"));
        return texts;
    }
    void describe(const std::string& level)
    {
        server.ask(
            "Describe",
            {{"host", "web1"},
             {"applications",
              {{{"id", 3}, {"name", "pinger"}, {"log_level", level}, {"output", printed()}},
               {{"id", 4}, {"name", "other"}, {"log_level", "standard"}, {"output", printed() + "o"}}}}});
        await([&] { return !server.ask("Position", {{"source", "printed/3"}}).at("at").is_null(); });
    }
    std::string printed() const { return scratch_.path("pinger.3.log"); }
    void print(const std::string& lines) const { std::ofstream(printed(), std::ios::app) << lines; }

    MessageServer server;

  private:
    const Scratch scratch_;
};

TEST_CASE("who says an id alone has said what the catalogue has for it")
{
    ServerWithTexts with;
    with.describe("standard");
    Voice voice(with.server.run());
    REQUIRE(voice.say(R"({"id": "20-00010", "attributes": {"port": 7260}}
{"id": "20-00020"}
{"id": "20-00020", "level": "standard", "text": "gives up in its own words"}
{"id": "20-00030"}
)"));
    CHECK(voice.sync() == 0);
    const auto all = with.server.all({{"level", "debug"}});
    REQUIRE(all.size() >= 4);
    const auto told = [&](std::string_view id, size_t which = 0) {
        for (const Json& one : all) {
            if (one.at("id") == id && which-- == 0)
                return fmt::format("{}: {}", one.at("level").get<std::string>(),
                                   one.at("text").get<std::string>());
        }
        return std::string();
    };
    CHECK(told("20-00010") == "standard: listens at port 7260 of web1");
    CHECK(told("20-00020") == "alarm: gives up");
    CHECK(told("20-00020", 1) == "standard: gives up in its own words");
    CHECK(told("20-00030") == "standard: ");
    CHECK(with.complaints().empty());
}

TEST_CASE("a wrong catalogue stops nothing: it is said, and mended while the server runs")
{
    ServerWithTexts with;
    with.put("wrong.toml", "[message.20-11]\ntext = '{'\n");
    with.server.end(SIGTERM);
    with.start();
    await([&] { return with.complaints().size() == 1; });
    CHECK(with.complaints().front().find("wrong.toml:2:8: error: the text of 20-00011: the brace") !=
          std::string::npos);
    with.put("wrong.toml",
             "[message.20-11]\ntext = 'right'\n[[line]]\napplication = 'x'\npattern = '('\nid = '20-11'\n");
    kill(with.server.pid(), SIGHUP);
    await([&] { return with.complaints().size() == 2; });
    CHECK(with.complaints().back().find("wrong.toml:3: the pattern") != std::string::npos);
    Voice voice(with.server.run());
    REQUIRE(voice.say("{\"id\": \"20-00011\"}\n"));
    CHECK(voice.sync() == 0);
    CHECK(with.server.all({{"text", "right"}, {"id", "20-00011"}}).size() == 1);
}

TEST_CASE("a printed line that meets a rule is a message whatever the log level; others are as they were")
{
    for (const std::string level : {"standard", "trace"}) {
        ServerWithTexts with;
        with.describe(level);
        with.print(
            "2026-11-27T19:30:00.123Z dials\n"
            "2026-11-27T19:30:00.124Z call 8823 is answered by eva\n"
            "call 1 is answered by nobody\n"
            "2026-11-27T19:30:00.125Z call 8824 is answered by max\n");
        await([&] { return with.server.all({{"interaction", "8824"}}).size() == 1; });
        const auto all = with.server.all({{"application", "pinger"}, {"level", "debug"}});
        CHECK(all.size() == (level == "trace" ? 4 : 2));
        const Json answered = with.server.all({{"interaction", "8823"}}).at(0);
        CHECK(answered.at("id") == "20-00100");
        CHECK(answered.at("level") == "interaction");
        CHECK(answered.at("text") == "call 8823 is answered by eva");
        CHECK(answered.at("attributes") == Json{{"agent", "eva"}});
        // A remark of the supervisor, which has no time, meets no rule.
        CHECK(with.server.all({{"interaction", "1"}}).empty());
        CHECK(with.server.ask("Position", {{"source", "printed/4"}}).at("at").is_null());
    }
}

TEST_CASE("what nginx prints under the supervisor becomes messages with what stands in its lines")
{
    if (access("/usr/sbin/nginx", X_OK) != 0) {
        MESSAGE("there is no nginx here");
        return;
    }
    ServerWithTexts with;
    with.put("nginx.toml", R"(
[message.30-00010]
text = "nginx does not start: {reason}"
level = "alarm"

[[line]]
application = "web *"
pattern = '\[emerg\] (?P<process>\d+)#\d+: (?P<reason>.*)'
id = "30-00010"
)");
    with.server.end(SIGTERM);
    with.start();
    Supervisor supervisor(with.server);
    // It checks a configuration that is not there, says so, and ends.
    Application nginx{
        .id = 3,
        .name = "web 1",
        .command = {"/usr/sbin/nginx", "-t", "-e", "stderr", "-c", with.server.path("absent.conf")}};
    nginx.autorestart = framework::supervision::Autorestart::never;
    with.server.ask("Describe", {{"host", "web1"},
                                 {"applications",
                                  {{{"id", 3},
                                    {"name", "web 1"},
                                    {"log_level", "standard"},
                                    {"output", with.server.state() + "/output/web 1.3.log"}}}}});
    await([&] { return !with.server.ask("Position", {{"source", "printed/3"}}).at("at").is_null(); });
    supervisor.run({nginx});
    await([&] { return !with.server.all({{"id", "30-00010"}}).empty(); });
    const Json said = with.server.all({{"application", "web 1"}, {"level", "debug"}}).at(0);
    CHECK(said.at("level") == "alarm");
    CHECK(
        said.at("attributes").at("reason").get<std::string>().find("absent.conf\" failed (2: No such file") !=
        std::string::npos);
    CHECK(said.at("attributes").contains("process"));
}

TEST_CASE("rules that come while the server runs count for what is printed from then on")
{
    ServerWithTexts with;
    with.put("sample.toml", "");
    kill(with.server.pid(), SIGHUP);
    // Nothing is said where all is right: it is done when this is.
    with.put("wrong.toml", "[");
    kill(with.server.pid(), SIGHUP);
    await([&] { return !with.complaints().empty(); });
    with.server.ask(
        "Describe",
        {{"host", "web1"},
         {"applications",
          {{{"id", 3}, {"name", "pinger"}, {"log_level", "standard"}, {"output", with.printed()}}}}});
    with.print("2026-11-27T19:30:00.123Z call 1 is answered by eva\n");
    with.put("sample.toml", sample);
    kill(with.server.pid(), SIGHUP);
    await([&] { return !with.server.ask("Position", {{"source", "printed/3"}}).at("at").is_null(); });
    with.print("2026-11-27T19:30:00.123Z call 2 is answered by eva\n");
    await([&] { return with.server.all({{"interaction", "2"}}).size() == 1; });
    CHECK(with.server.all({{"interaction", "1"}}).empty());
}

TEST_CASE("killed at any moment: each line that meets a rule is there once, and the others are nowhere")
{
    ServerWithTexts with;
    with.describe("standard");
    std::atomic<bool> is_over = false;
    int printed = 0;
    std::thread application([&] {
        while (!is_over) {
            std::string lines;
            for (int i = 0; i < 50; ++i) {
                lines += "2026-11-27T19:30:00.123Z dials, and waits for somebody to answer\n";
                if (i % 10 == 0)
                    lines += fmt::format("2026-11-27T19:30:00.124Z call c{} is answered by eva\n", printed++);
            }
            with.print(lines);
            if (printed % 500 == 0) {
                for (int segment = 30; segment > 0; --segment) {
                    const std::string newer =
                        segment == 1 ? with.printed() : fmt::format("{}.{}", with.printed(), segment - 1);
                    std::rename(newer.c_str(), fmt::format("{}.{}", with.printed(), segment).c_str());
                }
            }
            std::this_thread::sleep_for(2ms);
        }
    });
    std::mt19937 random(static_cast<unsigned>(7));
    for (int round = 0; round < 20; ++round) {
        std::this_thread::sleep_for(std::chrono::milliseconds(random() % 80));
        with.server.end(SIGKILL);
        with.start();
    }
    is_over = true;
    application.join();
    await([&] { return !with.server.all({{"interaction", fmt::format("c{}", printed - 1)}}).empty(); });
    std::map<std::string, int> there;
    for (const Json& one : with.server.all({{"application", "pinger"}, {"level", "debug"}}))
        ++there[one.value("interaction", "")];
    CHECK(there.size() == static_cast<size_t>(printed));
    for (const auto& [call, count] : there) REQUIRE_MESSAGE(count == 1, call);
}

}  // namespace
}  // namespace belay::messages
