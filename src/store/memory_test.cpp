#include "store/memory.h"

#include <doctest/doctest.h>

namespace belay::store {
namespace {

using namespace std::chrono_literals;
using Fault = MemoryStore::Fault;

struct World {
    std::chrono::milliseconds time = 1000s;
    MemoryStore store{{.boot = "1", .now = [this] { return time; }}};

    Result<Commit> put(const std::string& key, const std::string& value, LeaseId lease = 0)
    {
        return store.commit({.when = {}, .then = {{.key = key, .value = value, .lease = lease}}});
    }
    void next_write_meets(Fault fault)
    {
        store.set_fault_hook(
            [this, fault](const Transaction&) { return std::exchange(armed, false) ? fault : Fault::none; });
        armed = true;
    }
    bool has(const std::string& key) { return store.get(key).value().has_value(); }

    bool armed = false;
};

TEST_CASE("a full store refuses one commit and takes the next")
{
    World world;
    world.next_write_meets(Fault::refuse);
    CHECK(world.put("a", "1").error().kind == ErrorKind::no_space);
    CHECK_FALSE(world.has("a"));
    CHECK(world.put("a", "1"));
    CHECK(world.has("a"));
}

TEST_CASE("a process that dies before its commit leaves nothing of it")
{
    World world;
    CHECK(world.put("a", "1"));
    world.next_write_meets(Fault::lost_before);
    CHECK(world.put("b", "1").error().kind == ErrorKind::dead);
    CHECK(world.store.dead());
    CHECK(world.store.get("a").error().kind == ErrorKind::dead);
    CHECK(world.put("c", "1").error().kind == ErrorKind::dead);
    world.store.revive();
    CHECK(world.has("a"));
    CHECK_FALSE(world.has("b"));
    CHECK(world.store.revision().value() == 1);
}

TEST_CASE("a process that dies right after its commit leaves all of it")
{
    World world;
    world.next_write_meets(Fault::lost_after);
    CHECK(world.put("a", "1").error().kind == ErrorKind::dead);
    CHECK(world.store.revision().error().kind == ErrorKind::dead);
    world.store.revive();
    CHECK(world.has("a"));
    CHECK(world.put("b", "1")->revision == 2);
}

TEST_CASE("the watch of a dead process stays dead, also when another has opened the data")
{
    World world;
    const auto old_watch = world.store.watch("", 0).value();
    world.next_write_meets(Fault::lost_after);
    CHECK_FALSE(world.put("a", "1"));
    CHECK(old_watch->next(1min).error().kind == ErrorKind::dead);
    world.store.revive();
    CHECK(old_watch->next(1min).error().kind == ErrorKind::dead);
    CHECK(world.store.watch("", 0).value()->next(0ms)->size() == 1);
}

TEST_CASE("grants, revokes and expiries meet faults as well, and a refused one may be tried again")
{
    World world;
    world.next_write_meets(Fault::refuse);
    CHECK(world.store.grant(1s).error().kind == ErrorKind::no_space);
    const LeaseId lease = world.store.grant(1s).value();
    CHECK(world.put("a", "1", lease));
    world.next_write_meets(Fault::refuse);
    CHECK(world.store.revoke(lease).error().kind == ErrorKind::no_space);
    CHECK(world.has("a"));
    world.time += 1s;
    world.next_write_meets(Fault::refuse);
    CHECK(world.store.expire().error().kind == ErrorKind::no_space);
    CHECK(world.has("a"));
    CHECK(world.store.expire());
    CHECK_FALSE(world.has("a"));
}

TEST_CASE("the fault hook sees what is about to be written")
{
    World world;
    std::vector<std::string> seen;
    const LeaseId lease = world.store.grant(1s).value();
    world.store.set_fault_hook([&](const Transaction& transaction) {
        for (const Write& write : transaction.then)
            seen.push_back((write.value ? "put " : "delete ") + write.key);
        return Fault::none;
    });
    CHECK(world.put("a", "1", lease));
    CHECK(world.store.revoke(lease));
    CHECK(seen == std::vector<std::string>{"put a", "delete a"});
}

TEST_CASE("a restarted process gives leases their full time again, a restarted machine ends them")
{
    World world;
    const LeaseId lease = world.store.grant(10s).value();
    CHECK(world.put("a", "1", lease));
    world.time += 9s;
    world.store.revive();
    CHECK(world.store.next_expiry().value() == 10s);
    CHECK(world.has("a"));
    world.store.revive("2");
    CHECK_FALSE(world.store.next_expiry().value());
    CHECK_FALSE(world.has("a"));
}

TEST_CASE("a snapshot goes its own way")
{
    World world;
    CHECK(world.put("a", "1", world.store.grant(10s).value()));
    MemoryStore copy({.boot = "1", .now = [&] { return world.time; }}, world.store.snapshot());
    CHECK(world.put("a", "2"));
    CHECK(copy.get("a").value()->value == "1");
    CHECK(copy.revision().value() == 1);
    CHECK(copy.next_expiry().value() == 10s);
}

}  // namespace
}  // namespace belay::store
