#include "message_server/keeper.h"

#include "base/testing/must.h"
#include "framework/messages/own_events.h"
#include "host/testing/scratch.h"
#include "message_server/follower.h"
#include "message_server/methods.h"

#include <doctest/doctest.h>
#include <fstream>
#include <future>

namespace belay::message_server {
namespace {

using namespace std::chrono_literals;
using framework::messages::Query;
using framework::messages::StoredMessage;
using host::testing::Scratch;

constexpr auto patience = 60s;
const Speaker pinger{.name = "pinger", .application = "pinger"};

Message text_of(const std::string& text)
{
    return {.at = wall_now(), .application = "pinger", .text = text};
}

/// A store in a folder, with its keeper.
struct Shop {
    Shop() : store(must(OpenStore::open(scratch.path("store"), {}))), keeper(*store, {.host = "web1"}) {}

    std::vector<StoredMessage> all(Query query = {})
    {
        query.limit = 100'000;
        return must(must(store->get())->search(query));
    }
    void flush()
    {
        std::promise<void> kept;
        keeper.when_kept(pinger, [&] { kept.set_value(); });
        REQUIRE(kept.get_future().wait_for(patience) == std::future_status::ready);
    }

    Scratch scratch;
    std::unique_ptr<OpenStore> store;
    Keeper keeper;
};

TEST_CASE("what was said is kept in its order, with this host, and who asks is told when it is on the disk")
{
    Shop shop;
    for (int i = 0; i < 5000; ++i) CHECK(shop.keeper.offer(pinger, text_of(std::to_string(i))));
    shop.flush();
    const auto all = shop.all();
    REQUIRE(all.size() == 5000);
    for (size_t at = 0; at < all.size(); ++at) CHECK(all[at].message.text == std::to_string(at));
    CHECK(all[0].message.host == "web1");
    CHECK(shop.keeper.status().at("kept") == 5000);
    CHECK(shop.keeper.status().at("waiting_bytes") == 0);
}

TEST_CASE("what waits at the end is kept")
{
    Shop shop;
    for (int i = 0; i < 1000; ++i) shop.keeper.offer(pinger, text_of("x"));
    shop.keeper.count_dropped(pinger, Level::standard);
    shop.keeper.stop();
    CHECK(shop.all().size() == 1001);
    CHECK(shop.all().back().message.id == framework::messages::own::dropped.id);
}

TEST_CASE("who waits for what is newer comes back when it is there, or at his limit")
{
    Shop shop;
    const auto begun = std::chrono::steady_clock::now();
    CHECK(!shop.keeper.await_newer(0, 20ms));
    CHECK(std::chrono::steady_clock::now() - begun >= 20ms);
    auto waiter = std::async(std::launch::async, [&] { return shop.keeper.await_newer(0, patience); });
    shop.keeper.offer(pinger, text_of("x"));
    REQUIRE(waiter.wait_for(patience / 2) == std::future_status::ready);
    CHECK(waiter.get());
    CHECK(shop.store->newest() == 1);
}

TEST_CASE("what an application prints is kept once with its position, whoever was killed")
{
    Shop shop;
    const std::string path = shop.scratch.path("pinger.1.log");
    const DescribedApplication described{
        .id = 1, .name = "pinger", .log_level = Level::trace, .output = path};
    const auto await = [&](size_t count) {
        const auto until = std::chrono::steady_clock::now() + patience;
        while (shop.store->newest() < count) {
            REQUIRE(std::chrono::steady_clock::now() < until);
            static_cast<void>(shop.keeper.await_newer(shop.store->newest(), 1s));
        }
        CHECK(shop.all().size() == count);
    };
    for (size_t round = 0; round < 5; ++round) {
        const auto follower = must(Follower::open(*shop.store, shop.keeper));
        follower->follow({described});
        // Its beginning is kept before the first line is there.
        while (!must(must(shop.store->get())->position("printed/1"))) std::this_thread::sleep_for(1ms);
        for (int i = 0; i < 100; ++i)
            std::ofstream(path, std::ios::app) << "2026-11-27T19:30:00.123Z " << round * 100 + i << "\n";
        await((round + 1) * 100);
    }
    const auto all = shop.all();
    for (size_t at = 0; at < all.size(); ++at) CHECK(all[at].message.text == std::to_string(at));
    CHECK(all[0].message.level == Level::trace);
    CHECK(all[0].message.application == "pinger");
}

TEST_CASE("a query is read from its parameters, and what is wrong is named")
{
    const Query query = must(read_query({{"since_ms", 5},
                                         {"level", "standard"},
                                         {"id", "20-00010"},
                                         {"application", "pinger"},
                                         {"text", "x"},
                                         {"limit", 1'000'000},
                                         {"after", 7}}));
    CHECK(query.since == 5ms);
    CHECK(query.level == Level::standard);
    CHECK(query.limit == 10'000);
    CHECK(!query.newest);
    CHECK(must(read_query(Json::object())).newest);
    CHECK(read_query({{"since_ms", "x"}}).error().what == "\"since_ms\" is no whole number");
    CHECK(read_query({{"after", -1}}).error().what == "\"after\" is less than nothing");
    CHECK(read_query({{"after", 18446744073709551615U}}).error().kind == ErrorKind::usage);
    CHECK(!read_query({{"text", 1}}));
    CHECK(!read_query({{"level", "loud"}}));
}

TEST_CASE("what belayd tells of a host is read as it was written")
{
    const Described described{
        .host = "web1",
        .applications = {{.id = 3, .name = "pinger", .log_level = Level::debug, .output = "/o/pinger.3.log"}},
        .syslog = SyslogIn::all};
    const Json json = described;
    const Described read = must(read_described(json));
    CHECK(Json(read) == json);
    CHECK(read.syslog == SyslogIn::all);
    CHECK(must(read_described(Json::object())).syslog == SyslogIn::applications);
    CHECK(!read_described(Json::array()));
    CHECK(!read_described({{"syslog", "some"}}));
    CHECK(!read_described({{"applications", 1}}));
    CHECK(!read_described({{"applications", {{{"name", "x"}}}}}));
    CHECK(!read_described({{"applications", {{{"id", 1}, {"log_level", "loud"}}}}}));
}

}  // namespace
}  // namespace belay::message_server
