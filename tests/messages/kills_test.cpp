// belay-messages is killed at any moment: what was told to be kept is there, once.

#include "server.h"

#include <doctest/doctest.h>
#include <map>
#include <random>
#include <thread>

namespace belay::messages {
namespace {

/// How often each text is there.
std::map<std::string, int> texts_of(MessageServer& server, const std::string& text)
{
    std::map<std::string, int> count;
    for (const Json& one : server.all({{"text", text}})) ++count[one.at("text").get<std::string>()];
    return count;
}

TEST_CASE(
    "killed at any moment: what a speaker was told to be kept is there once, and nothing is there twice")
{
    MessageServer server;
    std::mt19937 random(static_cast<unsigned>(7));
    int said = 0;
    std::vector<int> promised;
    for (int round = 0; round < 25; ++round) {
        Voice voice(server.run());
        std::thread killer([&, span = random() % 60] {
            std::this_thread::sleep_for(std::chrono::milliseconds(span));
            kill(server.pid(), SIGKILL);
        });
        bool is_there = true;
        while (is_there) {
            const int first = said;
            std::string batch;
            for (int i = 0; i < 20; ++i) batch += fmt::format("number {}\n", said++);
            is_there = voice.say(batch) && voice.sync().has_value();
            for (int one = first; is_there && one < said; ++one) promised.push_back(one);
        }
        killer.join();
        server.kill_and_start();
    }
    const auto there = texts_of(server, "number");
    for (const int one : promised) REQUIRE(there.contains(fmt::format("number {}", one)));
    for (const auto& [text, count] : there) REQUIRE_MESSAGE(count == 1, text);
    CHECK(!promised.empty());
    MESSAGE(fmt::format("{} said, {} promised, {} kept", said, promised.size(), there.size()));
}

TEST_CASE("killed at any moment: every line that an application prints is there once")
{
    MessageServer server;
    const std::string path = server.path("pinger.3.log");
    const Json described = {
        {"host", "web1"},
        {"applications", {{{"id", 3}, {"name", "pinger"}, {"log_level", "trace"}, {"output", path}}}}};
    server.ask("Describe", described);
    await([&] { return !server.ask("Position", {{"source", "printed/3"}}).at("at").is_null(); });
    std::atomic<bool> is_over = false;
    int printed = 0;
    std::thread application([&] {
        while (!is_over) {
            std::ofstream file(path, std::ios::app);
            for (int i = 0; i < 50; ++i) file << "2026-11-27T19:30:00.123Z number " << printed++ << ".\n";
            file.close();
            // So many segments that none is overwritten, however slow this machine is.
            if (printed % 5000 == 0) {
                for (int segment = 30; segment > 0; --segment) {
                    const std::string newer = segment == 1 ? path : fmt::format("{}.{}", path, segment - 1);
                    std::rename(newer.c_str(), fmt::format("{}.{}", path, segment).c_str());
                }
            }
            std::this_thread::sleep_for(2ms);
        }
    });
    std::mt19937 random(static_cast<unsigned>(7));
    for (int round = 0; round < 20; ++round) {
        std::this_thread::sleep_for(std::chrono::milliseconds(random() % 80));
        // What it was told of is known to it at its next start.
        server.kill_and_start();
    }
    is_over = true;
    application.join();
    await([&] { return !server.all({{"text", fmt::format("number {}.", printed - 1)}}).empty(); });
    const auto there = texts_of(server, "number");
    CHECK(there.size() == static_cast<size_t>(printed));
    for (const auto& [text, count] : there) REQUIRE_MESSAGE(count == 1, text);
    CHECK(server.all({{"application", "pinger"}}).size() == static_cast<size_t>(printed));
}

TEST_CASE("told to end, it keeps all that was said before")
{
    MessageServer server;
    Voice voice(server.run());
    for (int i = 0; i < 3; ++i) {
        REQUIRE(voice.say("last words\n"));
        CHECK(voice.sync() == 0);
    }
    CHECK(server.end(SIGTERM) == 0);
    server.start();
    CHECK(server.all({{"text", "last words"}}).size() == 3);
    server.ask("End");
    await([&] { return access((server.run() + "/say.sock").c_str(), F_OK) != 0; });
}

}  // namespace
}  // namespace belay::messages
