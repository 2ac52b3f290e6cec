// Those who speak as nobody should.

#include "server.h"

#include <doctest/doctest.h>
#include <random>
#include <vector>

namespace belay::messages {
namespace {

TEST_CASE("whatever somebody sends, the server lives, answers him with the reason, and hears the others")
{
    MessageServer server;
    std::mt19937 random(static_cast<unsigned>(7));
    Voice good(server.run());
    for (int round = 0; round < 200; ++round) {
        Voice bad(server.run());
        std::string bytes;
        switch (random() % 5) {
            case 0:
                for (auto left = random() % 100'000; left > 0; --left) bytes += static_cast<char>(random());
                break;
            case 1:
                bytes = std::string(random() % 100'000, '{') + "\n";
                break;
            case 2:
                bytes = "{\"text\":\"half of it";
                break;
            case 3:
                for (int i = 0; i < 1000; ++i) bytes += "{\"sync\":1}\n{\"text\":7}\n";
                break;
            default:
                bytes = "{\"text\":\"\\ud800\",\"attributes\":{\"\\u0000\":\"\\u0000\"}}\n";
        }
        bad.say(bytes);
        if (random() % 2 == 0) bad.hear(0ms);
        if (round % 20 != 0) continue;
        CHECK(good.say(fmt::format("good {}\n", round)));
        CHECK(good.sync() == 0);
    }
    CHECK(server.all({{"text", "good"}}).size() == 10);
    Voice bad(server.run());
    CHECK(bad.say("{\"text\":7}\n"));
    CHECK(must(parse_json(bad.hear())).at("error") == "the message's \"text\" is no text");
    CHECK(bad.sync() == 1);
    bool is_said = false;
    for (const Json& one : server.all({{"id", "01-00011"}})) is_said = is_said || one.contains("application");
    CHECK(is_said);
}

TEST_CASE("one that never reads its answers, or asks a thousand things at once, holds up nobody")
{
    MessageServer server;
    Voice deaf(server.run());
    std::string questions;
    for (int i = 0; i < 5000; ++i) questions += fmt::format("{{\"sync\":{}}}\n{{\"level\":\"loud\"}}\n", i);
    deaf.say(questions);
    Voice good(server.run());
    for (int i = 0; i < 20; ++i) {
        CHECK(good.say("good\n"));
        CHECK(good.sync() == 0);
    }
    CHECK(server.all({{"text", "good"}}).size() == 20);
}

TEST_CASE("one has so many connections and no more, and is told so")
{
    MessageServer server;
    std::vector<std::unique_ptr<Voice>> voices;
    for (int i = 0; i < 100; ++i) voices.push_back(std::make_unique<Voice>(server.run()));
    CHECK(voices.front()->say("x\n"));
    CHECK(voices.front()->sync() == 0);
    const std::string refused = voices.back()->hear();
    CHECK(must(parse_json(refused)).at("error").get<std::string>().find("64 connections") !=
          std::string::npos);
    CHECK(server.ask("Status").at("connections") == 64);
    voices.clear();
    await([&] { return server.ask("Status").at("connections") == 0; });
    Voice again(server.run());
    CHECK(again.say("x\n"));
    CHECK(again.sync() == 0);
}

TEST_CASE("what came behind a question is taken, also of one that hangs up at once")
{
    MessageServer server;
    {
        Voice voice(server.run());
        CHECK(voice.say("one\n{\"sync\":1}\ntwo\n{\"sync\":2}\nthree"));
    }
    await([&] {
        return server.all({{"text", "two"}}).size() == 1 && server.all({{"text", "three"}}).size() == 1;
    });
}

}  // namespace
}  // namespace belay::messages
