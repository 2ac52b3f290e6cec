#include "framework/messages/store/testing/store_shop.h"

#include <csignal>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>

namespace belay::framework::messages {
namespace {

using namespace std::chrono_literals;

/// Each append makes the one before it a full segment.
StoreLimits tiny_segments()
{
    return {.segment_bytes = 1};
}

TEST_CASE("what was appended is found with all that it says, also after the store was opened again")
{
    StoreShop shop;
    Message message = some_message(4, Level::alarm);
    message.text = std::string("zero \0 and \xc4\x8d", 12);
    message.attributes = {{"port", "7260"}, {"address", "\"10.0.0.1\""}};
    CHECK(shop.append(message) == 1);
    CHECK(shop.append(some_message(5)) == 2);
    for (int i = 0; i < 2; ++i) {
        const auto found = must(shop.store->search({}));
        REQUIRE(found.size() == 2);
        CHECK(found[0].number == 1);
        CHECK(found[0].message == message);
        CHECK(found[1].message == some_message(5));
        CHECK(shop.store->newest() == 2);
        shop.open();
    }
}

TEST_CASE("a sealed segment has all that the open one had")
{
    StoreShop shop(tiny_segments());
    Message message = some_message(4, Level::alarm);
    message.text = std::string("zero \0 and \xc4\x8d", 12);
    message.attributes = {{"port", "7260"}};
    shop.append(message);
    shop.append(some_message(5));
    CHECK(must(shop.store->expire(noon)) == 0);
    CHECK_FALSE(shop.file(".sealed").empty());
    const auto found = must(shop.store->search({}));
    REQUIRE(found.size() == 2);
    CHECK(found[0].message == message);
    shop.open();
    CHECK(must(shop.store->search({})).front().message == message);
}

TEST_CASE("a search takes what fits all that is asked, and the newest or the oldest so many")
{
    StoreShop shop;
    SUBCASE("in the open segment") {}
    SUBCASE("in a sealed one")
    {
        shop.limits.segment_bytes = 1;
        shop.open();
    }
    shop.append_many(0, 1000);
    Message alarm = some_message(1000, Level::alarm);
    shop.append(alarm);
    must(shop.store->expire(noon));

    CHECK(shop.numbers({.limit = 3}) == std::vector<uint64_t>{999, 1000, 1001});
    CHECK(shop.numbers({.limit = 3, .newest = false}) == std::vector<uint64_t>{1, 2, 3});
    CHECK(shop.numbers({.limit = 3, .newest = false, .after = 500}) == std::vector<uint64_t>{501, 502, 503});
    CHECK(shop.numbers({.after = 1001}).empty());
    CHECK(shop.numbers({.after = UINT64_MAX}).empty());
    CHECK(shop.numbers({.since = noon + 10ms, .until = noon + 13ms}) == std::vector<uint64_t>{11, 12, 13});
    CHECK(shop.numbers({.since = noon + 2s}).empty());
    CHECK(shop.numbers({.ids = {EventId{.component = 20, .number = 3}}, .limit = 2}) ==
          std::vector<uint64_t>{991, 998});
    CHECK(shop.numbers({.ids = {EventId{.component = 21, .number = 3}}}).empty());
    CHECK(shop.numbers({.level = Level::alarm}) == std::vector<uint64_t>{1001});
    CHECK(shop.numbers({.host = "web1", .limit = 2}) == std::vector<uint64_t>{998, 1001});
    CHECK(shop.numbers({.host = "web9"}).empty());
    CHECK(shop.numbers({.application = "Shop 4", .limit = 1}) == std::vector<uint64_t>{1000});
    CHECK(shop.numbers({.interaction = "call-3"}) == std::vector<uint64_t>{13});
    CHECK(shop.numbers({.host = "web0", .application = "Shop 2", .limit = 2}) ==
          std::vector<uint64_t>{973, 988});
    CHECK(shop.numbers({.text = "oRDER 77 "}) == std::vector<uint64_t>{78});
    CHECK(shop.numbers({.text = "99"}).size() == 19);
    CHECK(shop.numbers({.text = "no such words"}).empty());
    CHECK(shop.numbers({.level = Level::alarm, .text = "order 1000"}) == std::vector<uint64_t>{1001});
    CHECK(shop.numbers({.limit = 0}).empty());
}

TEST_CASE("no more is given than fits the memory that was asked for")
{
    StoreShop shop;
    shop.append_many(0, 100);
    const auto found = must(shop.store->search({.bytes = 300}));
    CHECK(found.size() > 5);
    CHECK(found.size() < 15);
    CHECK(found.back().number == 100);
}

TEST_CASE("where one level has no room for more, no other leaves a gap behind it")
{
    StoreShop shop;
    for (uint32_t i = 1; i <= 4000; ++i) {
        Message message = some_message(i, Level::debug);
        if (i % 400 == 0) message.level = i % 800 == 0 ? Level::alarm : Level::standard;
        if (message.level == Level::alarm) message.text = std::string(1000, 'x');
        shop.append(message);
    }
    shop.limits.segment_bytes = 1;
    shop.open();
    must(shop.store->expire(noon));
    REQUIRE_FALSE(shop.file(".sealed").empty());
    CHECK(shop.numbers({.level = Level::standard, .bytes = 2500}) ==
          std::vector<uint64_t>{2800, 3200, 3600, 4000});
    CHECK(shop.numbers({.level = Level::standard, .bytes = 999}).empty());
    CHECK(shop.numbers({.level = Level::standard, .bytes = 500, .newest = false}) ==
          std::vector<uint64_t>{400});
}

TEST_CASE("the positions of sources are kept with the messages, through segments and openings")
{
    StoreShop shop(tiny_segments());
    CHECK_FALSE(must(shop.store->position("web1")));
    const std::vector<Message> all = {some_message(1)};
    for (int i = 0; i < 3; ++i) {
        const std::vector<Position> positions = {{"web1", std::to_string(i)}, {"other", "x"}};
        must(shop.store->append(all, positions, noon));
        must(shop.store->expire(noon));
    }
    const std::vector<Position> alone = {{"other", ""}};
    must(shop.store->append({}, alone, noon));
    for (int i = 0; i < 2; ++i) {
        CHECK(must(shop.store->position("web1")) == "2");
        CHECK(must(shop.store->position("other")) == "");
        shop.open();
    }
    const std::vector<Position> long_one = {{std::string(5000, 'x'), ""}};
    CHECK(shop.store->append({}, long_one, noon).error().kind == ErrorKind::usage);
}

TEST_CASE("what is too old goes, each level in its time, and its numbers do not come again")
{
    StoreShop shop;
    shop.append(some_message(1, Level::debug));
    shop.append(some_message(2, Level::alarm));
    shop.append(some_message(3, Level::trace));
    CHECK(must(shop.store->expire(noon + 23h)) == 0);
    CHECK(must(shop.store->expire(noon + 25h)) == 1);
    CHECK(shop.numbers({}) == std::vector<uint64_t>{2, 3});
    CHECK(must(shop.store->expire(noon + 4 * 24h)) == 1);
    CHECK(shop.numbers({}) == std::vector<uint64_t>{2});
    shop.open();
    CHECK(shop.numbers({}) == std::vector<uint64_t>{2});
    CHECK(must(shop.store->expire(noon + 401 * 24h)) == 1);
    CHECK(shop.numbers({}).empty());
    CHECK(shop.store->figures().messages == 0);
    shop.open();
    CHECK(shop.store->newest() == 3);
    CHECK(shop.append(some_message(4), noon + 402 * 24h) == 4);
}

TEST_CASE("the oldest go when all take too much")
{
    StoreShop shop({.segment_bytes = 200'000, .bytes = 1'000'000});
    for (uint32_t i = 0; i < 40; ++i) shop.append_many(i * 1000, 1000);
    CHECK(shop.store->figures().bytes > 2'000'000);
    const uint64_t gone = must(shop.store->expire(noon));
    CHECK(gone > 10'000);
    CHECK(shop.store->figures().bytes < 1'300'000);
    CHECK(shop.store->figures().messages == 40'000 - gone);
    CHECK(shop.numbers({.limit = 1, .newest = false}) == std::vector<uint64_t>{gone + 1});
}

TEST_CASE("a store is of one process")
{
    const StoreShop shop;
    const auto second = MessageStore::open(shop.path(), {});
    REQUIRE_FALSE(second);
    CHECK(second.error().kind == ErrorKind::busy);
}

TEST_CASE("where the disk is full nothing half is stored; once there is room, the next append works")
{
    const store::ScratchFolder folder;
    const pid_t child = ::fork();
    if (child == 0) {
        ::signal(SIGXFSZ, SIG_IGN);
        auto store = MessageStore::open(folder / "messages", {});
        const rlimit small{.rlim_cur = 400'000, .rlim_max = RLIM_INFINITY};
        if (!store || ::setrlimit(RLIMIT_FSIZE, &small) != 0) ::_exit(2);
        const std::vector<Message> pair = {some_message(1), some_message(2)};
        uint64_t stored = 0;
        Result<uint64_t> done;
        for (; stored < 20'000; stored += 2) {
            done = (*store)->append(pair, {}, noon);
            if (!done) break;
        }
        const rlimit large{.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
        if (done || done.error().kind != ErrorKind::no_space || (*store)->newest() != stored) ::_exit(3);
        if (::setrlimit(RLIMIT_FSIZE, &large) != 0) ::_exit(2);
        done = (*store)->append(pair, {}, noon);
        ::_exit(done && *done == stored + 1 ? 0 : 4);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WEXITSTATUS(status) == 0);
    const auto store = must(MessageStore::open(folder / "messages", {}));
    CHECK(must(store->search({.limit = 50'000})).size() == store->newest());
    CHECK(store->take_losses().empty());
}

TEST_CASE("a disk that is full loses nothing, is searched, and goes on when it has grown")
{
    const store::ScratchFolder folder;
    const std::string disk = folder / "disk";
    REQUIRE(::mkdir(disk.c_str(), 0700) == 0);
    if (::mount("belay-test", disk.c_str(), "tmpfs", 0, "size=4m") != 0) return;  // not root
    {
        const StoreLimits limits{.segment_bytes = 400'000};
        auto store = must(MessageStore::open(disk + "/messages", limits));
        uint64_t stored = 0, refused = 0;
        for (uint32_t round = 0; round < 400; ++round) {
            std::vector<Message> some;
            for (uint32_t i = 0; i < 100; ++i)
                some.push_back(some_message(static_cast<uint32_t>(stored) + 1 + i));
            const auto done = store->append(some, {}, noon);
            if (done) {
                CHECK(*done == stored + 1);
                stored += 100;
            } else {
                ++refused;
                CHECK_MESSAGE(done.error().kind == ErrorKind::no_space, done.error().what);
            }
            if (round % 20 != 0) continue;
            const auto tidied = store->expire(noon);
            if (!tidied) CHECK_MESSAGE(tidied.error().kind == ErrorKind::no_space, tidied.error().what);
        }
        CHECK(refused > 0);
        CHECK(store->newest() == stored);
        CHECK(must(store->search({.limit = 100'000})).size() == stored);
        REQUIRE(::mount("belay-test", disk.c_str(), "tmpfs", MS_REMOUNT, "size=64m") == 0);
        const Message one = some_message(1);
        CHECK(must(store->append({&one, 1}, {}, noon)) == stored + 1);
        CHECK(must(store->expire(noon)) == 0);
        store.reset();
        store = must(MessageStore::open(disk + "/messages", limits));
        CHECK(must(store->search({.limit = 100'000})).size() == stored + 1);
        CHECK(store->take_losses().empty());
    }
    CHECK(::umount2(disk.c_str(), MNT_DETACH) == 0);
}

TEST_CASE("a process that is killed has stored whatever it was told, once")
{
    const store::ScratchFolder folder;
    uint64_t told = 0;
    for (unsigned round = 0; round < 12; ++round) {
        int ends[2] = {};
        REQUIRE(::pipe(ends) == 0);
        const pid_t child = ::fork();
        if (child == 0) {
            auto store = MessageStore::open(folder / "messages", {.segment_bytes = 300'000});
            if (!store) ::_exit(2);
            const std::jthread tidying([&](const std::stop_token& stop) {
                while (!stop.stop_requested()) static_cast<void>((*store)->expire(noon));
            });
            for (uint64_t number = (*store)->newest() + 1;; number += 50) {
                std::vector<Message> some;
                for (uint64_t i = number; i < number + 50; ++i)
                    some.push_back(some_message(static_cast<uint32_t>(i)));
                const std::vector<Position> position = {{"me", std::to_string(number + 49)}};
                const auto done = (*store)->append(some, position, noon);
                if (!done || *done != number) ::_exit(3);
                const uint64_t last = number + 49;
                if (::write(ends[1], &last, sizeof last) != sizeof last) ::_exit(4);
            }
        }
        ::close(ends[1]);
        uint64_t last = 0;
        for (unsigned i = 0; i < 20 + round * 7 && ::read(ends[0], &last, sizeof last) == sizeof last; ++i)
            told = last;
        ::kill(child, SIGKILL);
        while (::read(ends[0], &last, sizeof last) == sizeof last) told = last;
        ::close(ends[0]);
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK(WIFSIGNALED(status));

        const auto store = must(MessageStore::open(folder / "messages", {}));
        INFO("round ", round);
        CHECK(store->take_losses().empty());
        CHECK(store->newest() >= told);
        const auto found = must(store->search({.limit = 1'000'000, .bytes = SIZE_MAX}));
        REQUIRE(found.size() == store->newest());
        for (size_t i = 0; i < found.size(); ++i) {
            REQUIRE(found[i].number == i + 1);
            REQUIRE(found[i].message == some_message(static_cast<uint32_t>(i + 1)));
        }
        CHECK(must(store->position("me")) == std::to_string(store->newest()));
    }
    CHECK(told > 0);
}

TEST_CASE("searches go on while others append and expire")
{
    StoreShop shop({.segment_bytes = 100'000, .bytes = 400'000});
    std::atomic<bool> is_over = false;
    std::atomic<unsigned> searches = 0, wrong = 0;
    {
        std::vector<std::jthread> searching;
        for (unsigned thread = 0; thread < 3; ++thread)
            searching.emplace_back([&, thread] {
                while (!is_over) {
                    const uint64_t newest = shop.store->newest();
                    // By time: all, and the newest spans are just being written.
                    const auto found = thread == 0 ? shop.store->search({.since = noon - 1h, .limit = 700})
                                                   : shop.store->search({.text = "order", .limit = 700});
                    ++searches;
                    if (!found || (newest > 0 && (found->empty() || found->back().number < newest))) {
                        ++wrong;
                        continue;
                    }
                    for (size_t i = 1; i < found->size(); ++i)
                        if ((*found)[i].number != (*found)[i - 1].number + 1) ++wrong;
                }
            });
        searching.emplace_back([&] {
            while (!is_over)
                if (!shop.store->expire(noon)) ++wrong;
        });
        for (uint32_t i = 0; i < 300 || (searches < 50 && i < 100'000); ++i) shop.append_many(i * 100, 100);
        is_over = true;
    }
    CHECK(wrong == 0);
    CHECK(shop.store->take_losses().empty());
}

}  // namespace
}  // namespace belay::framework::messages
