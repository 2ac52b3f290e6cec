// Controllers that stand for the lead, in threads of their own, over a store that may fail them.

#include "site/leadership/leadership.h"

#include "base/testing/must.h"
#include "site/leadership/fenced_store.h"
#include "store/etcd/testing/cluster.h"
#include "store/memory.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <future>

namespace belay::site {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

/// A store on the way to which everything may fail, or hang.
class WayToStore final : public store::Store {
  public:
    explicit WayToStore(store::Store& store) : store_(store) {}

    /// From now on every call fails, until it is mended.
    void cut() { is_cut_ = true; }
    void mend() { is_cut_ = false; }
    /// From now on calls come back only when release() is called.
    void hang()
    {
        const std::lock_guard lock(mutex_);
        hangs_ = true;
    }
    void release()
    {
        {
            const std::lock_guard lock(mutex_);
            hangs_ = false;
        }
        changed_.notify_all();
    }
    /// Waits until a call hangs; false after a while.
    bool await_call()
    {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, 30s, [this] { return waiting_ > 0; });
    }

    Result<std::optional<store::Entry>> get(std::string_view key) override
    {
        TRY(pass());
        return store_.get(key);
    }
    Result<std::vector<store::Entry>> list(std::string_view prefix, std::string_view after,
                                           size_t limit) override
    {
        TRY(pass());
        return store_.list(prefix, after, limit);
    }
    Result<store::Revision> revision() override
    {
        TRY(pass());
        return store_.revision();
    }
    Result<store::Commit> commit(const store::Transaction& transaction) override
    {
        TRY(pass());
        return store_.commit(transaction);
    }
    Result<std::unique_ptr<store::Watch>> watch(std::string_view prefix, store::Revision since) override
    {
        TRY(pass());
        return store_.watch(prefix, since);
    }
    Result<store::LeaseId> grant(std::chrono::milliseconds time_to_live) override
    {
        TRY(pass());
        return store_.grant(time_to_live);
    }
    Result<void> keep_alive(store::LeaseId lease) override
    {
        TRY(pass());
        return store_.keep_alive(lease);
    }
    Result<void> revoke(store::LeaseId lease) override
    {
        TRY(pass());
        return store_.revoke(lease);
    }
    Result<void> expire() override { return store_.expire(); }
    Result<std::optional<std::chrono::milliseconds>> next_expiry() override { return store_.next_expiry(); }

  private:
    Result<void> pass()
    {
        std::unique_lock lock(mutex_);
        ++waiting_;
        changed_.notify_all();
        changed_.wait(lock, [this] { return !hangs_; });
        --waiting_;
        if (is_cut_) return fail(ErrorKind::unavailable, "the store does not answer");
        return {};
    }

    store::Store& store_;
    std::atomic<bool> is_cut_ = false;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool hangs_ = false;
    int waiting_ = 0;
};

/// A controller that stands for the lead.
class Candidate {
  public:
    Candidate(store::Store& store, const std::string& name, Milliseconds time_to_live)
        : way_(store),
          fence_(way_, leader_key),
          leadership_(way_, {.self = {.host = name, .addresses = {name + ":4880"}},
                             .time_to_live = time_to_live,
                             .wall = [] { return Milliseconds(1'800'000'000'000); },
                             .won =
                                 [this](store::Revision term) {
                                     fence_.lead(term);
                                     tell("won");
                                 },
                             .lost =
                                 [this] {
                                     fence_.stand_by();
                                     tell("lost");
                                 },
                             .another_leads = [this](const Leader& leader) { tell(leader.host); }})
    {
    }

    void start() { leadership_.start(); }
    void stop() { leadership_.stop(); }
    WayToStore& way() { return way_; }
    FencedStore& fence() { return fence_; }

    /// Waits until it was told this, the n-th time; false after a while.
    bool await(const std::string& said, int times = 1)
    {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, 30s, [&] { return std::ranges::count(told_, said) >= times; });
    }
    std::vector<std::string> told()
    {
        const std::lock_guard lock(mutex_);
        return told_;
    }

  private:
    void tell(const std::string& what)
    {
        {
            const std::lock_guard lock(mutex_);
            told_.push_back(what);
        }
        changed_.notify_all();
    }

    WayToStore way_;
    FencedStore fence_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> told_;
    Leadership leadership_;  ///< the last: it tells the others
};

/// Ends the leases of a store in memory that have run out, as whoever serves it does.
class Expiry {
  public:
    explicit Expiry(store::Store& store)
        : thread_([this, &store] {
              while (!ended_) {
                  must(store.expire());
                  std::this_thread::sleep_for(5ms);
              }
          })
    {
    }
    ~Expiry()
    {
        ended_ = true;
        thread_.join();
    }
    Expiry(const Expiry&) = delete;
    Expiry& operator=(const Expiry&) = delete;

  private:
    std::atomic<bool> ended_ = false;
    std::thread thread_;
};

Milliseconds steady_now()
{
    return std::chrono::duration_cast<Milliseconds>(Steady::now().time_since_epoch());
}

struct MemorySite {
    store::MemoryStore store{{.boot = "this boot", .now = steady_now}};
    Expiry expiry{store};
};

store::Transaction write_of(const std::string& who)
{
    return {.when = {}, .then = {{.key = "done-by", .value = who}}};
}

TEST_CASE("over an etcd one of two leads, the other knows who, and leads at once when the first one ends")
{
    const auto store = must(store::open_etcd(store::shared_etcd().options(store::new_prefix())));
    Candidate alpha(*store, "alpha", 5s), beta(*store, "beta", 5s);
    alpha.start();
    REQUIRE(alpha.await("won"));
    beta.start();
    REQUIRE(beta.await("alpha"));
    CHECK(must(alpha.fence().commit(write_of("alpha"))).succeeded);
    CHECK(!beta.fence().commit(write_of("beta")));
    const auto is_alpha_there = [&] {
        const auto leader = must(store->get(leader_key));
        return leader && leader->value.contains("alpha");
    };
    CHECK(is_alpha_there());
    alpha.stop();
    CHECK(!is_alpha_there());  // nobody has to wait until its lease ends
    CHECK(beta.await("won"));
    CHECK(alpha.told() == std::vector<std::string>{"won", "lost"});
    CHECK(must(beta.fence().commit(write_of("beta"))).succeeded);
    CHECK(!alpha.fence().commit(write_of("alpha")));
    CHECK(must(store->get("done-by"))->value == "beta");
    beta.stop();
    CHECK(!must(store->get(leader_key)));
}

TEST_CASE("over an etcd a lease that was lost is another's lead, and the one that led follows it")
{
    const auto store = must(store::open_etcd(store::shared_etcd().options(store::new_prefix())));
    Candidate alpha(*store, "alpha", 2s), beta(*store, "beta", 2s);
    alpha.start();
    REQUIRE(alpha.await("won"));
    beta.start();
    REQUIRE(beta.await("alpha"));
    alpha.way().cut();
    REQUIRE(beta.await("won"));
    REQUIRE(alpha.await("lost"));
    alpha.way().mend();
    CHECK(alpha.await("beta"));
}

TEST_CASE("who cannot keep its lease says so within its time, however far away the store is")
{
    MemorySite site;
    Candidate alpha(site.store, "alpha", 600ms), beta(site.store, "beta", 600ms);
    alpha.start();
    REQUIRE(alpha.await("won"));
    beta.start();
    REQUIRE(beta.await("alpha"));
    const auto cut_at = Steady::now();
    alpha.way().cut();
    REQUIRE(alpha.await("lost"));
    CHECK(Steady::now() - cut_at < 3s);
    REQUIRE(beta.await("won"));
    CHECK(!alpha.fence().commit(write_of("alpha")));
    alpha.way().mend();
    CHECK(alpha.await("beta"));
    CHECK(alpha.told() == std::vector<std::string>{"won", "lost", "beta"});
}

TEST_CASE("a lease that somebody has ended is noticed at the next time that it is kept alive")
{
    MemorySite site;
    Candidate alpha(site.store, "alpha", 600ms);
    alpha.start();
    REQUIRE(alpha.await("won"));
    const std::optional<store::Entry> leader = must(site.store.get(leader_key));
    REQUIRE(leader);
    must(site.store.revoke(leader->lease));
    CHECK(!alpha.fence().commit(write_of("alpha")));
    CHECK(alpha.await("lost"));
    CHECK(alpha.await("won", 2));
    CHECK(must(alpha.fence().commit(write_of("alpha"))).succeeded);
}

TEST_CASE("a store that hangs keeps nobody else from the lead, and who hangs on it changes nothing")
{
    MemorySite site;
    Candidate alpha(site.store, "alpha", 300ms), beta(site.store, "beta", 300ms);
    alpha.start();
    REQUIRE(alpha.await("won"));
    beta.start();
    REQUIRE(beta.await("alpha"));
    alpha.way().hang();
    REQUIRE(alpha.way().await_call());
    // It was sent while alpha led, and arrives when another does.
    auto late = std::async(std::launch::async, [&] { return alpha.fence().commit(write_of("alpha")); });
    REQUIRE(beta.await("won"));
    CHECK(must(beta.fence().commit(write_of("beta"))).succeeded);
    CHECK(alpha.told() == std::vector<std::string>{"won"});
    alpha.way().release();
    const auto arrived = late.get();
    REQUIRE(!arrived);
    CHECK(arrived.error().kind == ErrorKind::unavailable);
    CHECK(must(site.store.get("done-by"))->value == "beta");
    CHECK(alpha.await("lost"));
    CHECK(alpha.await("beta"));
}

TEST_CASE("a store that cannot be reached from the beginning is tried again until it can")
{
    MemorySite site;
    Candidate alpha(site.store, "alpha", 600ms);
    alpha.way().cut();
    alpha.start();
    alpha.way().mend();
    CHECK(alpha.await("won"));
}

TEST_CASE("it can be stopped at any time: before it began, while it follows, while it waits for a store")
{
    MemorySite site;
    Candidate never(site.store, "never", 600ms);
    never.stop();
    CHECK(never.told().empty());

    Candidate alpha(site.store, "alpha", 600ms), beta(site.store, "beta", 600ms),
        gamma(site.store, "gamma", 600ms);
    alpha.start();
    REQUIRE(alpha.await("won"));
    beta.start();
    REQUIRE(beta.await("alpha"));
    gamma.way().cut();
    gamma.start();
    const auto begun = Steady::now();
    beta.stop();
    gamma.stop();
    CHECK(Steady::now() - begun < 5s);
    CHECK(beta.told() == std::vector<std::string>{"alpha"});
    CHECK(gamma.told().empty());
    alpha.stop();
    CHECK(alpha.told() == std::vector<std::string>{"won", "lost"});
    CHECK(!must(site.store.get(leader_key)));
}

TEST_CASE("what stands there is not who leads: it is tried again, and nobody is followed")
{
    MemorySite site;
    must(site.store.commit({.when = {}, .then = {{.key = leader_key, .value = "nonsense"}}}));
    Candidate alpha(site.store, "alpha", 600ms);
    alpha.start();
    must(site.store.commit({.when = {}, .then = {{.key = leader_key}}}));
    CHECK(alpha.await("won"));
    CHECK(alpha.told().front() == "won");
}

}  // namespace
}  // namespace belay::site
