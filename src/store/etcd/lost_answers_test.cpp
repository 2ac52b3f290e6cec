// What becomes of a transaction whose request or answer is lost on the way: it happens exactly once.

#include "base/testing/must.h"
#include "store/etcd/client.h"
#include "store/etcd/testing/cluster.h"
#include "store/etcd/testing/cutting_proxy.h"

#include <doctest/doctest.h>

namespace belay::store {
namespace {

using namespace std::chrono_literals;
using Next = CuttingProxy::Next;

Transaction to_put(std::string key, std::string value, std::vector<Compare> when = {})
{
    return {.when = std::move(when), .then = {{.key = std::move(key), .value = std::move(value)}}};
}

Transaction to_remove(std::string key)
{
    return {.when = {}, .then = {{.key = std::move(key)}}};
}

Compare absent(std::string key)
{
    return {.of = Compare::Of::created, .key = std::move(key), .revision = 0};
}

/// A store behind a network that breaks, and another that sees the truth.
struct World {
    const std::string prefix = new_prefix();
    CuttingProxy proxy{shared_etcd().endpoint(0)};
    std::unique_ptr<Store> store = must(open_etcd({.endpoints = {proxy.endpoint()}, .prefix = prefix}));
    std::unique_ptr<Store> witness = must(open_etcd(shared_etcd().options(prefix)));

    World()
    {
        must(store->commit(to_put("first", "")));
    }  // its marker is in place: one commit is one request
};

TEST_CASE("a transaction whose request or answer is lost is done once, however often that happens")
{
    World world;
    constexpr int times = 100;
    const Revision before = must(world.witness->revision());
    for (const Next next : {Next::lose_answer, Next::lose_request}) {
        for (int i = 0; i < times; ++i) {
            const std::string key = fmt::format("{}/{}", next == Next::lose_answer ? "answer" : "request", i);
            world.proxy.arm(next);
            // With a comparison that its own first attempt would break, and without.
            const auto when = i % 2 == 0 ? std::vector{absent(key)} : std::vector<Compare>{};
            const Commit commit = must(world.store->commit(to_put(key, "x", when)));
            REQUIRE_FALSE(world.proxy.armed());
            REQUIRE(commit.succeeded);
            const Entry entry = must(world.witness->get(key)).value();
            REQUIRE(entry.created == commit.revision);
            REQUIRE(entry.modified == commit.revision);
        }
    }
    CHECK(world.proxy.breaks() >= 2 * times);
    // No revision but theirs: nothing was done twice, and none needed a second transaction.
    CHECK(must(world.witness->revision()) == before + Revision{2} * times);
}

TEST_CASE("a delete whose answer was lost does not delete what was put since")
{
    World world;
    must(world.store->commit(to_put("a", "old")));
    world.proxy.arm(Next::hold_request);
    const Commit removed = must(world.store->commit(to_remove("a")));
    CHECK(removed.succeeded);
    must(world.witness->commit(to_put("a", "new")));
    world.proxy.deliver();
    CHECK(must(world.witness->get("a")).value().value == "new");
}

TEST_CASE("a request that arrives after it was sent again changes nothing")
{
    World world;
    for (int i = 0; i < 20; ++i) {
        const std::string key = fmt::format("late/{}", i);
        world.proxy.arm(Next::hold_request);
        const Commit commit = must(world.store->commit(to_put(key, "x")));
        const Revision before = must(world.witness->revision());
        world.proxy.deliver();
        CHECK(must(world.witness->revision()) == before);
        CHECK(must(world.witness->get(key)).value().modified == commit.revision);
        CHECK(must(world.store->commit(to_put(key, "y"))).succeeded);
        CHECK(must(world.witness->get(key)).value().created == commit.revision);
    }
}

TEST_CASE("a transaction that was refused in the end does not happen later")
{
    World world;
    must(world.witness->commit(to_put("a", "theirs")));
    world.proxy.arm(Next::hold_request);
    const Commit commit = must(world.store->commit(to_put("a", "ours", {absent("a")})));
    CHECK_FALSE(commit.succeeded);
    CHECK(commit.conflict.value().value == "theirs");
    // What it compared with comes true after all, and then the first request arrives.
    must(world.witness->commit(to_remove("a")));
    world.proxy.deliver();
    CHECK_FALSE(must(world.witness->get("a")));
}

TEST_CASE("a comparison that fails over a lost answer fails, and one that our own write broke does not")
{
    World world;
    world.proxy.arm(Next::lose_answer);
    CHECK(must(world.store->commit(to_put("a", "1", {absent("a")}))).succeeded);
    world.proxy.arm(Next::lose_answer);
    const Commit again = must(world.store->commit(to_put("a", "2", {absent("a")})));
    CHECK_FALSE(again.succeeded);
    CHECK(again.conflict.value().value == "1");
    CHECK(must(world.witness->get("a")).value().value == "1");
}

TEST_CASE("a grant, a revoke and a keep-alive bear a lost answer as well")
{
    World world;
    for (const Next next : {Next::lose_request, Next::lose_answer, Next::hold_request}) {
        world.proxy.arm(next);
        const LeaseId lease = must(world.store->grant(100s));
        CHECK_FALSE(world.proxy.armed());
        if (next == Next::hold_request) world.proxy.deliver();
        must(world.store->commit({.when = {}, .then = {{.key = "leased", .value = "x", .lease = lease}}}));
        world.proxy.arm(next == Next::hold_request ? Next::lose_answer : next);
        CHECK(world.store->keep_alive(lease));
        world.proxy.arm(next);
        CHECK(world.store->revoke(lease));
        if (next == Next::hold_request) world.proxy.deliver();
        CHECK_FALSE(must(world.witness->get("leased")));
        CHECK(world.witness->keep_alive(lease).error().kind == ErrorKind::not_found);
    }
}

TEST_CASE("where nobody can be asked in time the error says that it may have been done")
{
    const std::string prefix = new_prefix();
    auto proxy = std::make_optional<CuttingProxy>(shared_etcd().endpoint(0));
    const auto store =
        must(open_etcd({.endpoints = {proxy->endpoint()}, .prefix = prefix, .time_limit = 1s}));
    must(store->commit(to_put("first", "")));
    proxy->arm(Next::swallow_answer);
    const auto unknown = store->commit(to_put("a", "1"));
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().kind == ErrorKind::lost);
    CHECK(
        unknown.error().what.starts_with("a transaction may have been done, or may still be, for its answer "
                                         "was lost: etcd does not answer: 127.0.0.1:"));

    // It goes on as soon as there is an answer.
    proxy->arm(Next::pass);
    CHECK(must(store->commit(to_put("b", "1"))).succeeded);
    CHECK(must(store->get("a")).value().value == "1");

    proxy.reset();
    const auto refused = store->commit(to_put("a", "2"));
    REQUIRE_FALSE(refused);
    CHECK(store->get("a").error().kind == ErrorKind::unavailable);
}

TEST_CASE("a store whose markers are gone makes new ones")
{
    World world;
    const auto client = must(Client::make(shared_etcd().options()));
    etcd::RangeRequest markers;
    markers.set_key(world.prefix + "/writer/");
    markers.set_range_end(world.prefix + "/writer0");
    const auto found = must(client->range(markers, client->deadline()));
    REQUIRE(found.kvs_size() == 1);
    CHECK(client->revoke(found.kvs(0).lease(), client->deadline()));
    CHECK(must(world.store->commit(to_put("a", "1"))).succeeded);
    CHECK(must(client->range(markers, client->deadline())).kvs_size() == 1);
    // One that is closed leaves none.
    world.store.reset();
    CHECK(must(client->range(markers, client->deadline())).kvs_size() == 0);
}

}  // namespace
}  // namespace belay::store
