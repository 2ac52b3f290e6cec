// One that speaks more than anybody can keep, and those beside it.

#include "server.h"

#include <doctest/doctest.h>
#include <thread>

namespace belay::messages {
namespace {

#if defined(BELAY_SANITIZE_ADDRESS) || defined(BELAY_SANITIZE_THREAD)
constexpr int flood_lines = 100'000;
constexpr long most_memory_kib = 1 << 20;
#else
constexpr int flood_lines = 1'000'000;
constexpr long most_memory_kib = 96 << 10;
#endif

TEST_CASE("a flood holds up nobody: what is too much is dropped and said, and others lose nothing")
{
    MessageServer server;
    const std::string run = server.run();
    const auto begun = std::chrono::steady_clock::now();
    std::atomic<bool> is_over = false;
    std::thread flood([&] {
        Voice voice(run);
        std::string batch;
        for (int i = 0; i < flood_lines; ++i) {
            batch +=
                fmt::format("{{\"level\":\"trace\",\"text\":\"line {} of many that come at once\"}}\n", i);
            if (i % 500 == 499) {
                voice.say(batch);
                batch.clear();
            }
        }
        voice.sync();
        is_over = true;
    });
    // Put is another speaker than who floods.
    int64_t worst_us = 0, asked = 0;
    while (!is_over) {
        const auto before = std::chrono::steady_clock::now();
        server.ask("Put", {{"messages", {{{"text", fmt::format("quiet {}", asked)}}}}});
        worst_us = std::max<int64_t>(worst_us, std::chrono::duration_cast<std::chrono::microseconds>(
                                                   std::chrono::steady_clock::now() - before)
                                                   .count());
        ++asked;
    }
    flood.join();
    const auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    const Json status = server.ask("Status");
    const uint64_t dropped = status.at("dropped").at("trace");
    // What is said of drops is said a second later.
    await([&] { return said_dropped(server) == dropped; });
    const size_t quiet = server.all({{"text", "quiet"}}).size();
    CHECK(quiet == static_cast<size_t>(asked));
    const Json kept = server.ask("Status");
    CHECK(kept.at("dropped").at("standard") == 0);
    CHECK(kept.at("kept").get<uint64_t>() >= static_cast<uint64_t>(flood_lines) - dropped + quiet);
    CHECK(server.memory() < most_memory_kib);
    MESSAGE(
        fmt::format("{:.0f} lines/s, {} of {} dropped; of {} others each was on the disk within {} ms; "
                    "{} KiB",
                    flood_lines / took, dropped, flood_lines, asked, worst_us / 1000, server.memory()));
}

TEST_CASE("ten thousand lines a second of one component are kept, every one, and a mebibyte in one as well")
{
    MessageServer server;
    Voice voice(server.run());
    constexpr int seconds = 3, tenth = 1000;
    const std::string long_text(1 << 20, 'm');
    auto next = std::chrono::steady_clock::now();
    int64_t worst_us = 0;
    for (int i = 0; i < seconds * 10; ++i) {
        std::string batch;
        for (int k = 0; k < tenth; ++k)
            batch += fmt::format("{{\"level\":\"trace\",\"text\":\"line {}\"}}\n", i * tenth + k);
        if (i % 10 == 5) batch += fmt::format("{{\"text\":\"{}\"}}\n", long_text);
        const auto before = std::chrono::steady_clock::now();
        REQUIRE(voice.say(batch));
        worst_us = std::max<int64_t>(worst_us, std::chrono::duration_cast<std::chrono::microseconds>(
                                                   std::chrono::steady_clock::now() - before)
                                                   .count());
        next += 100ms;
        std::this_thread::sleep_until(next);
    }
    REQUIRE(voice.say("{\"level\":\"debug\",\"text\":\"nobody asked for it\"}\n"));
    CHECK(voice.sync() == 0);
    CHECK(server.ask("Status").at("not_wanted") == 1);
    CHECK(server.all({{"text", "line"}}).size() == seconds * 10 * tenth);
    const auto found = server.all({{"text", "mmmm"}});
    REQUIRE(found.size() == seconds);
    for (const Json& one : found) CHECK(one.at("text") == long_text);
    MESSAGE(fmt::format("a tenth of a second's lines, with a mebibyte, were taken within {} us", worst_us));
}

TEST_CASE("a line of more than two mebibytes is dropped and said, and the next is taken")
{
    MessageServer server;
    Voice voice(server.run());
    CHECK(voice.say("{\"text\":\"" + std::string(5 << 20, 'x') + "\"}\nafter\n"));
    CHECK(voice.sync() == 1);
    CHECK(server.all({{"text", "after"}}).size() == 1);
    await([&] { return said_dropped(server) == 1; });
}

}  // namespace
}  // namespace belay::messages
