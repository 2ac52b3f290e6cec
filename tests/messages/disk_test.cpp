// A disk that is full, and one that is slow.

#include "server.h"

#include <doctest/doctest.h>
#include <filesystem>
#include <sys/mount.h>

namespace belay::messages {
namespace {

TEST_CASE(
    "a full disk: nobody is held up, what is dropped is said, and when there is room it goes on by itself")
{
    MessageServer server;
    server.end(SIGTERM);
    if (mount("tmpfs", server.state().c_str(), "tmpfs", 0, "size=24m") != 0) {
        MESSAGE("no tmpfs can be mounted here");
        return;
    }
    server.start();
    {
        Voice voice(server.run());
        CHECK(voice.say("before\n"));
        CHECK(voice.sync() == 0);
        const std::string filler = server.state() + "/filler";
        {
            std::ofstream file(filler);
            const std::string block(64 << 10, 'f');
            while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
            }
        }
        const std::string text(1000, 't');
        for (int i = 0; i < 20'000; ++i)
            REQUIRE(voice.say(fmt::format("{{\"level\":\"trace\",\"text\":\"{} {}\"}}\n", text, i)));
        await([&] { return !server.ask("Status").at("problem").is_null(); });
        CHECK(!server.all({{"text", "before"}}).empty());
        std::filesystem::remove(filler);
        const std::optional<int> dropped = voice.sync();
        REQUIRE(dropped);
        CHECK(*dropped > 0);
        CHECK(server.ask("Status").at("problem").is_null());
        await([&] { return said_dropped(server) == static_cast<uint64_t>(*dropped); });
        CHECK(server.all({{"text", text}}).size() == 20'000U - static_cast<size_t>(*dropped));
        CHECK(server.all({{"id", "01-00020"}}).size() == 1);
        CHECK(server.all({{"id", "01-00021"}}).size() == 1);
    }
    server.end(SIGTERM);
    CHECK(umount2(server.state().c_str(), MNT_DETACH) == 0);
}

/// A program that does with each sync of the message server what strace is told to; empty: there is no
/// strace.
std::string with_syncs(const MessageServer& server, std::string_view injected)
{
    if (access("/usr/bin/strace", X_OK) != 0) {
        MESSAGE("there is no strace here");
        return "";
    }
    std::string program = server.path("traced");
    // The sanitizer looks for leaks by the same means.
    std::ofstream(program) << "#!/bin/sh\nexport ASAN_OPTIONS=detect_leaks=0\n"
                           << "exec strace -f -qq -o /dev/null -e trace=fsync,fdatasync "
                           << "-e inject=fsync,fdatasync:" << injected << " " << TEST_MESSAGES << " \"$@\"\n";
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
    return program;
}

TEST_CASE("a disk that takes half a second for each sync holds up who asks for it, and nobody else")
{
    MessageServer server;
    server.end(SIGTERM);
    const std::string slow = with_syncs(server, "delay_enter=500000");
    if (slow.empty()) return;
    server.start(slow);
    Voice asks(server.run()), speaks(server.run());
    const auto since = [](auto before) {
        return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                     before);
    };
    CHECK(asks.say("x\n"));
    auto before = std::chrono::steady_clock::now();
    CHECK(asks.sync() == 0);
    CHECK(since(before) >= 400ms);
    before = std::chrono::steady_clock::now();
    for (int i = 0; i < 40; ++i) CHECK(speaks.say("yyyyyyyyyyyyyyyyyyyyyyyy\n"));
    const auto took = since(before);
    CHECK(speaks.sync() == 0);
    CHECK(server.all({{"text", "yyy"}}).size() == 40);
    // A sync for each would have been 20 s.
    CHECK(since(before) < 15s);
    MESSAGE(fmt::format("40 messages were said in {} ms", took.count()));
}

TEST_CASE("a disk that says no once: nobody knows what it holds, and everything is there once all the same")
{
    MessageServer server;
    server.end(SIGTERM);
    const std::string failing = with_syncs(server, "error=EIO:when=15+40");
    if (failing.empty()) return;
    server.start(failing);
    Voice voice(server.run());
    constexpr int count = 100;
    for (int i = 0; i < count; ++i) {
        REQUIRE(voice.say(fmt::format("number {}.\n", i)));
        REQUIRE(voice.sync() == 0);
    }
    CHECK(server.all({{"text", "number"}}).size() == count);
    for (int i = 0; i < count; ++i) CHECK(server.all({{"text", fmt::format("number {}.", i)}}).size() == 1);
    CHECK(!server.all({{"id", "01-00020"}}).empty());
    CHECK(server.ask("Status").at("problem").is_null());
}

}  // namespace
}  // namespace belay::messages
