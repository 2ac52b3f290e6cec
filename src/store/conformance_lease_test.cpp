// The contract of store.h, held against every store there is: leases.

#include "store/conformance.h"

#include <algorithm>

namespace belay::store {
namespace {

using namespace std::chrono_literals;

FOR_EVERY_LOCAL_STORE("a lease that is not kept alive takes its keys with it")
{
    Fixture f;
    CHECK_FALSE(f.store.next_expiry().value());
    const LeaseId lease = f.store.grant(10s).value();
    CHECK(lease != 0);
    CHECK(f.store.next_expiry().value() == 10s);
    write(f.store, {put("leader", "me", lease), put("also", "me", lease), put("stays", "x")});
    CHECK(f.store.get("leader").value()->lease == lease);
    const auto watch = f.store.watch("", 1).value();

    f.clock.time += 9s;
    CHECK(f.store.next_expiry().value() == 1s);
    CHECK(f.store.expire());
    CHECK(value_of(f.store, "leader") == "me");
    CHECK(f.store.keep_alive(lease));
    f.clock.time += 9s;
    CHECK(f.store.expire());
    CHECK(value_of(f.store, "leader") == "me");

    f.clock.time += 1s;
    CHECK(f.store.next_expiry().value() == 0s);
    CHECK(kind(f.store.keep_alive(lease)) == ErrorKind::not_found);
    CHECK(f.store.expire());
    CHECK(keys(f.store.list("").value()) == Keys{"stays"});
    CHECK(f.store.revision().value() == 2);
    CHECK(story(watch->next(0ms).value()) == "-also@2 -leader@2");
    CHECK_FALSE(f.store.next_expiry().value());
}

TEST_CASE(
    "in etcd a lease that is not kept alive takes its keys with it, in seconds, and one that is does not")
{
    InEtcd f;
    const auto start = std::chrono::steady_clock::now();
    const LeaseId lost = must(f.store.grant(1ms)), kept = must(f.store.grant(1ms));
    CHECK(lost != kept);
    const Revision before = write(f.store, {put("leader", "me", lost), put("also", "me", lost),
                                            put("kept", "me", kept), put("stays", "x")});
    CHECK(must(f.store.get("leader"))->lease == lost);
    const auto watch = must(f.store.watch("", before));
    std::vector<Change> gone;
    while (gone.size() < 2 && std::chrono::steady_clock::now() < start + 1min) {
        CHECK(f.store.keep_alive(kept));
        for (Change& change : must(watch->next(200ms))) gone.push_back(std::move(change));
    }
    const Revision at = must(f.store.revision());
    CHECK(story(gone) == fmt::format("-also@{0} -leader@{0}", at));
    CHECK(keys(must(f.store.list(""))) == Keys{"kept", "stays"});
    CHECK(kind(f.store.keep_alive(lost)) == ErrorKind::not_found);
    CHECK(kind(f.store.commit({.when = {}, .then = {put("a", ""), put("b", "", lost)}})) ==
          ErrorKind::not_found);
    CHECK(keys(must(f.store.list(""))) == Keys{"kept", "stays"});
    // Etcd sees to it.
    CHECK(f.store.expire());
    CHECK_FALSE(must(f.store.next_expiry()));
    CHECK(f.store.revoke(kept));
}

FOR_EVERY_STORE_IN_TROUBLE("a revoked lease takes its keys with it, and may be revoked again")
{
    Fixture f;
    const LeaseId lease = must(f.store.grant(100s));
    const LeaseId other = must(f.store.grant(100s));
    CHECK(lease != other);
    const Revision before = write(f.store, {put("a", "", lease), put("b", "", other)});
    CHECK(f.store.revoke(lease));
    CHECK(keys(must(f.store.list(""))) == Keys{"b"});
    const Revision after = must(f.store.revision());
    CHECK(after > before);
    CHECK(f.store.revoke(lease));
    CHECK(f.store.revoke(4711));
    CHECK(must(f.store.revision()) == after);
    CHECK(kind(f.store.keep_alive(lease)) == ErrorKind::not_found);
    CHECK(f.store.keep_alive(other));
}

FOR_EVERY_STORE("a key belongs to the lease of its last put alone")
{
    Fixture f;
    const LeaseId first = must(f.store.grant(100s));
    const LeaseId second = must(f.store.grant(200s));
    write(f.store, {put("freed", "", first), put("moved", "", first), put("remade", "", first)});
    write(f.store, {put("freed", ""), put("moved", "", second), remove("remade")});
    write(f.store, {put("remade", "")});
    CHECK(f.store.revoke(first));
    CHECK(keys(must(f.store.list(""))) == Keys{"freed", "moved", "remade"});
    CHECK(f.store.revoke(second));
    CHECK(keys(must(f.store.list(""))) == Keys{"freed", "remade"});
}

FOR_EVERY_STORE("a put under a lease that has ended writes nothing at all")
{
    Fixture f;
    const Revision before = must(f.store.revision());
    const LeaseId lease = must(f.store.grant(100s));
    CHECK(kind(f.store.commit({.when = {}, .then = {put("a", ""), put("b", "", lease + 1)}})) ==
          ErrorKind::not_found);
    CHECK(f.store.revoke(lease));
    CHECK(kind(f.store.commit({.when = {}, .then = {put("a", ""), put("b", "", lease)}})) ==
          ErrorKind::not_found);
    CHECK(must(f.store.list("")).empty());
    const auto watch = must(f.store.watch("", before));
    const Revision after = write(f.store, {put("c", "")});
    CHECK(story(changes_up_to(*watch, after)) == fmt::format("c=@{}", after));
}

FOR_EVERY_LOCAL_STORE(
    "a put under a lease that has run out writes nothing, although nobody has called expire() yet")
{
    Fixture f;
    const LeaseId lease = f.store.grant(10s).value();
    f.clock.time += 10s;
    CHECK(kind(f.store.commit({.when = {}, .then = {put("a", ""), put("b", "", lease)}})) ==
          ErrorKind::not_found);
    CHECK(f.store.list("").value().empty());
    CHECK(f.store.revision().value() == 0);
}

}  // namespace
}  // namespace belay::store
