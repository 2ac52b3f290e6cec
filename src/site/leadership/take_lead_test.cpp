// The lead taken from a controller that lives.

#include "base/testing/must.h"
#include "site/leadership/fenced_store.h"
#include "site/leadership/leadership.h"
#include "site/loop.h"
#include "store/memory.h"

#include <doctest/doctest.h>

namespace belay::site {
namespace {

using namespace std::chrono_literals;

/// A controller as far as it seeks to lead.
struct Seeker {
    Seeker(store::Store& store, const std::string& host, const std::string& take_from = "")
        : fenced(store, leader_key),
          leadership(store, {.self = {.host = host, .addresses = {host + ":4880"}},
                             .time_to_live = 600ms,
                             .wall = [] { return Milliseconds(1); },
                             .take_from = take_from,
                             .won =
                                 [this](store::Revision term) {
                                     fenced.lead(term);
                                     set(leads, true);
                                 },
                             .lost = [this] { set(leads, false); },
                             .another_leads = [this](const Leader& leader) { set(other, leader.host); }})
    {
        leadership.start();
    }

    template <typename Value>
    void set(Value& what, const Value& value)
    {
        const std::lock_guard lock(mutex);
        what = value;
        changed.notify_all();
    }
    template <typename Value>
    bool await(const Value& what, const Value& value)
    {
        std::unique_lock lock(mutex);
        return changed.wait_for(lock, 30s, [&] { return what == value; });
    }
    Result<store::Commit> write()
    {
        return fenced.commit({.when = {}, .then = {{.key = "a", .value = "1"}}});
    }

    std::mutex mutex;
    std::condition_variable changed;
    bool leads = false;
    std::string other;
    FencedStore fenced;
    Leadership leadership;  // last: it ends first
};

TEST_CASE("the lead is taken from the one that is named, whose writes count no more and who notices")
{
    store::MemoryStore store({.boot = "this boot", .now = boot_now});
    CHECK(check_leader(store, "alpha"));  // nobody leads
    Seeker alpha(store, "alpha");
    REQUIRE(alpha.await(alpha.leads, true));
    CHECK(must(alpha.write()).succeeded);

    const Error other = check_leader(store, "gamma").error();
    CHECK(other.kind == ErrorKind::refused);
    CHECK(other.what == "alpha leads the site, and not gamma");
    Seeker gamma(store, "gamma", "nobody");
    CHECK(gamma.await(gamma.other, std::string("alpha")));
    gamma.leadership.stop();

    CHECK(check_leader(store, "alpha"));
    Seeker beta(store, "beta", "alpha");
    REQUIRE(beta.await(beta.leads, true));
    CHECK(alpha.write().error().kind == ErrorKind::unavailable);
    CHECK(must(beta.write()).succeeded);
    CHECK(alpha.await(alpha.leads, false));
    // It stands again, by its own, and takes nothing back.
    CHECK(alpha.await(alpha.other, std::string("beta")));
    CHECK(must(beta.write()).succeeded);

    // What was to be taken was taken: the next lead of alpha's is its own.
    beta.leadership.stop();
    REQUIRE(alpha.await(alpha.leads, true));
    CHECK(check_leader(store, "alpha"));
}

}  // namespace
}  // namespace belay::site
