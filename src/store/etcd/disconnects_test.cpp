// A watch over connections that break: each change arrives once.

#include "base/testing/must.h"
#include "store/etcd/testing/cluster.h"
#include "store/etcd/testing/cutting_proxy.h"

#include <algorithm>
#include <atomic>
#include <doctest/doctest.h>
#include <thread>

namespace belay::store {
namespace {

using namespace std::chrono_literals;

Commit write(Store& store, std::string key, std::string value)
{
    return must(store.commit({.when = {}, .then = {{.key = std::move(key), .value = std::move(value)}}}));
}

/// Follows "count/..." in a thread until "count/end" comes, and holds each change to what must be.
class Follower {
  public:
    Follower(Store& store, Revision since)
        : watch_(must(store.watch("count/", since))), last_(since), thread_([this] { follow(); })
    {
    }
    ~Follower() { join(); }
    Follower(const Follower&) = delete;
    Follower& operator=(const Follower&) = delete;

    /// Waits until it has had that many changes of keys that are written once.
    void wait_for(size_t count) const
    {
        for (size_t had = had_; had < count; had = had_) had_.wait(had);
    }
    void join()
    {
        if (thread_.joinable()) thread_.join();
    }

    std::map<std::string, std::vector<std::string>> values;  // once it is joined
    bool in_order = true;
    std::optional<Error> failure;

  private:
    void follow()
    {
        while (!values.contains("count/end") && !failure) {
            const auto changes = watch_->next(1min);
            if (changes) take_in(*changes);
            // Nothing for a minute is as good as the end.
            if (changes && changes->empty()) failure = Error{.what = "nothing comes any more"};
            if (!changes && changes.error().kind != ErrorKind::unavailable) failure = changes.error();
        }
        if (failure) had_ = had_ + 1'000'000;  // nobody waits for it
        had_.notify_all();
    }

    void take_in(const std::vector<Change>& changes)
    {
        for (const Change& change : changes) {
            in_order = in_order && change.entry.modified > last_ && !change.deleted;
            last_ = change.entry.modified;
            values[change.entry.key].push_back(change.entry.value);
            if (change.entry.value == "once") ++had_;
        }
        had_.notify_all();
    }

    std::unique_ptr<Watch> watch_;
    Revision last_;
    std::atomic<size_t> had_ = 0;
    std::thread thread_;
};

TEST_CASE("over a thousand disconnects no change is lost and none comes twice")
{
    // A watch that was cut is caught up with by etcd every 100 ms, so twenty of them are cut at a time.
    constexpr size_t followers = 20, cuts = 50, keys_for_a_cut = 20;
    const std::string prefix = new_prefix();
    CuttingProxy proxy{shared_etcd().endpoint(0)};
    const auto writer = must(open_etcd(shared_etcd().options(prefix)));
    const Revision start = must(writer->revision());
    std::vector<std::unique_ptr<Store>> stores;
    std::vector<std::unique_ptr<Follower>> following;
    for (size_t i = 0; i < followers; ++i) {
        stores.push_back(must(open_etcd({.endpoints = {proxy.endpoint()}, .prefix = prefix})));
        following.push_back(std::make_unique<Follower>(*stores.back(), start));
    }
    std::atomic<size_t> cuts_begun = 0;
    std::thread writing([&] {
        for (size_t i = 0; i < cuts * keys_for_a_cut; ++i) {
            for (size_t begun = cuts_begun; begun <= i / keys_for_a_cut; begun = cuts_begun)
                cuts_begun.wait(begun);
            write(*writer, fmt::format("count/{:06}", i), "once");
            write(*writer, "count/busy", std::to_string(i));
        }
        write(*writer, "count/end", "");
    });
    const size_t broken_before = proxy.breaks();
    for (size_t cut = 0; cut < cuts; ++cut) {
        ++cuts_begun;
        cuts_begun.notify_all();
        // In the middle of what is written meanwhile.
        for (const auto& follower : following) follower->wait_for(cut * keys_for_a_cut + keys_for_a_cut / 2);
        proxy.cut();
    }
    writing.join();
    CHECK(proxy.breaks() - broken_before >= 1000);
    for (const auto& follower : following) {
        follower->join();
        REQUIRE_MESSAGE(!follower->failure, (follower->failure ? follower->failure->what : ""));
        CHECK(follower->in_order);
        CHECK(follower->values.size() == cuts * keys_for_a_cut + 2);
        for (const auto& [key, values] : follower->values) {
            if (key == "count/busy")
                CHECK(values.back() == std::to_string(cuts * keys_for_a_cut - 1));
            else
                CHECK(values.size() == 1);
        }
    }
    MESSAGE(fmt::format("{} disconnects", proxy.breaks() - broken_before));
}

TEST_CASE("a watch that cannot reach anybody says so, once in a time limit, and goes on later without a gap")
{
    const std::string prefix = new_prefix();
    CuttingProxy proxy{shared_etcd().endpoint(0)};
    const auto writer = must(open_etcd(shared_etcd().options(prefix)));
    const auto store =
        must(open_etcd({.endpoints = {proxy.endpoint()}, .prefix = prefix, .time_limit = 300ms}));
    const auto watch = must(store->watch("", must(writer->revision())));
    write(*writer, "a", "1");
    CHECK(must(watch->next(1min)).size() == 1);
    proxy.refuse(true);
    write(*writer, "b", "1");
    for (int i = 0; i < 2; ++i) {
        const auto away = watch->next(1min);
        REQUIRE_FALSE(away);
        CHECK(away.error().kind == ErrorKind::unavailable);
    }
    CHECK(must(watch->next(1ms)).empty());  // shorter than a time limit
    proxy.refuse(false);
    std::vector<Change> changes;
    while (changes.empty()) {
        if (auto more = watch->next(1min)) changes = *std::move(more);
    }
    REQUIRE(changes.size() == 1);
    CHECK(changes[0].entry.key == "b");
}

TEST_CASE("a watch that was away for longer than etcd remembers says so, and the caller lists anew")
{
    const std::string prefix = new_prefix();
    CuttingProxy proxy{shared_etcd().endpoint(0)};
    const auto writer = must(open_etcd(shared_etcd().options(prefix)));
    const auto store =
        must(open_etcd({.endpoints = {proxy.endpoint()}, .prefix = prefix, .time_limit = 300ms}));
    const auto watch = must(store->watch("", must(writer->revision())));
    proxy.refuse(true);
    const Revision before = write(*writer, "a", "0").revision;
    for (Revision now = before; now < before + 7000;) now = write(*writer, "a", "1").revision;
    proxy.refuse(false);
    Result<std::vector<Change>> changes = watch->next(1min);
    while (!changes && changes.error().kind == ErrorKind::unavailable) changes = watch->next(1min);
    REQUIRE_FALSE(changes);
    CHECK(changes.error().kind == ErrorKind::not_found);
    CHECK(changes.error().what.contains("is forgotten, etcd remembers from"));
    CHECK(watch->next(1min).error().kind == ErrorKind::not_found);
}

}  // namespace
}  // namespace belay::store
