#include "site/leadership/fenced_store.h"

#include "base/testing/must.h"
#include "store/memory.h"

#include <doctest/doctest.h>

namespace belay::site {
namespace {

constexpr const char* fence_key = "site/leader";

/// A store, and two controllers that write to it through a fence each.
struct TwoFences {
    store::MemoryStore store{{.boot = "this boot", .now = [] { return Milliseconds(1000); }}};
    FencedStore first{store, fence_key}, second{store, fence_key};

    /// Somebody's key stands in the store anew; the term.
    store::Revision take_the_lead()
    {
        must(store.commit({.when = {}, .then = {{.key = fence_key}}}));
        return must(store.commit({.when = {}, .then = {{.key = fence_key, .value = "who"}}})).revision;
    }
    static store::Transaction put(const std::string& key, std::optional<store::Revision> modified = {})
    {
        store::Transaction transaction{.when = {}, .then = {{.key = key, .value = "written"}}};
        if (modified) transaction.when.push_back({.key = key, .revision = *modified});
        return transaction;
    }
    bool has(const std::string& key) { return must(store.get(key)).has_value(); }
};

ErrorKind refusal_of(const Result<store::Commit>& commit)
{
    REQUIRE(!commit);
    return commit.error().kind;
}

TEST_CASE("who does not lead writes nothing, and who leads writes until another does")
{
    TwoFences site;
    CHECK(refusal_of(site.first.commit(TwoFences::put("a"))) == ErrorKind::unavailable);
    site.first.lead(site.take_the_lead());
    CHECK(must(site.first.commit(TwoFences::put("a"))).succeeded);

    // It has not heard yet that another leads.
    site.second.lead(site.take_the_lead());
    CHECK(refusal_of(site.first.commit(TwoFences::put("b"))) == ErrorKind::unavailable);
    CHECK(!site.has("b"));
    CHECK(must(site.second.commit(TwoFences::put("b"))).succeeded);
    site.first.stand_by();
    CHECK(refusal_of(site.first.commit(TwoFences::put("c"))) == ErrorKind::unavailable);
    CHECK(!site.has("c"));

    // What was written under the lead of others it may lead itself again.
    site.first.lead(site.take_the_lead());
    CHECK(must(site.first.commit(TwoFences::put("c"))).succeeded);
}

TEST_CASE("nobody leads: the key has gone with its lease, and nothing is written")
{
    TwoFences site;
    site.first.lead(site.take_the_lead());
    must(site.store.commit({.when = {}, .then = {{.key = fence_key}}}));
    CHECK(refusal_of(site.first.commit(TwoFences::put("a"))) == ErrorKind::unavailable);
    CHECK(!site.has("a"));
}

TEST_CASE("a comparison of its own that fails is told from a lead that was lost")
{
    TwoFences site;
    site.first.lead(site.take_the_lead());
    must(site.first.commit(TwoFences::put("a")));
    const store::Commit taken = must(site.first.commit(TwoFences::put("a", 0)));
    CHECK(!taken.succeeded);
    REQUIRE(taken.conflict);
    CHECK(taken.conflict->key == "a");
    // A key that is not there cannot be named, and still it is not the leader's.
    const store::Commit missing = must(site.first.commit(TwoFences::put("b", 7)));
    CHECK(!missing.succeeded);
    CHECK(!missing.conflict);

    site.take_the_lead();
    CHECK(refusal_of(site.first.commit(TwoFences::put("a", 0))) == ErrorKind::unavailable);
    CHECK(refusal_of(site.first.commit(TwoFences::put("b", 7))) == ErrorKind::unavailable);
    must(site.store.commit({.when = {}, .then = {{.key = fence_key}}}));
    CHECK(refusal_of(site.first.commit(TwoFences::put("b", 7))) == ErrorKind::unavailable);
}

TEST_CASE("who leads writes its own key only as the fence lets it")
{
    TwoFences site;
    site.first.lead(site.take_the_lead());
    site.second.lead(site.take_the_lead());
    CHECK(refusal_of(site.first.commit({.when = {}, .then = {{.key = fence_key, .value = "me again"}}})) ==
          ErrorKind::unavailable);
    CHECK(must(site.store.get(fence_key))->value == "who");
}

TEST_CASE("reads, watches and leases are for everybody")
{
    TwoFences site;
    site.first.lead(site.take_the_lead());
    must(site.first.commit(TwoFences::put("a/1")));
    CHECK(must(site.second.get("a/1")));
    CHECK(must(site.second.list("a/", {}, 10)).size() == 1);
    const auto watch = must(site.second.watch("a/", 0));
    CHECK(must(watch->next(Milliseconds(1000))).size() == 1);
    const store::LeaseId lease = must(site.second.grant(std::chrono::seconds(5)));
    must(site.second.keep_alive(lease));
    must(site.second.revoke(lease));
    CHECK(must(site.second.revision()) > 0);
}

}  // namespace
}  // namespace belay::site
