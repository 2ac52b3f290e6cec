// Three nodes of which one is lost while writers and a watch go on.

#include "store/etcd/testing/cluster.h"

#include "base/testing/must.h"

#include <atomic>
#include <csignal>
#include <doctest/doctest.h>
#include <thread>

namespace belay::store {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

/// Commits numbered keys, one after the other, until it is told to stop.
class NumberedWriter {
  public:
    NumberedWriter(const EtcdOptions& options, std::string name)
        : store_(must(open_etcd(options))), name_(std::move(name)), thread_([this] { run(); })
    {
    }
    ~NumberedWriter() { stop(); }
    NumberedWriter(const NumberedWriter&) = delete;
    NumberedWriter& operator=(const NumberedWriter&) = delete;

    void stop()
    {
        ending_ = true;
        if (thread_.joinable()) thread_.join();
    }
    size_t count() const { return count_; }
    void wait_for(size_t count) const
    {
        for (size_t now = count_; now < count; now = count_) count_.wait(now);
    }

    std::map<std::string, Revision> written;  // what was acknowledged; once it is stopped
    std::vector<Error> errors;

  private:
    void run()
    {
        while (!ending_) {
            const std::string key = fmt::format("{}/{:06}", name_, count_ + errors.size());
            const auto commit = store_->commit(
                {.when = {{.of = Compare::Of::created, .key = key}}, .then = {{.key = key, .value = "x"}}});
            if (commit && commit->succeeded) {
                written[key] = commit->revision;
                ++count_;
            } else {
                errors.push_back(commit ? Error{.what = key + " is there before it was written"}
                                        : commit.error());
                if (errors.size() > 3) ending_ = true;
            }
            if (ending_) count_ = count_ + 1'000'000;  // whoever waits need not
            count_.notify_all();
        }
    }

    const std::unique_ptr<Store> store_;
    const std::string name_;
    std::atomic<bool> ending_ = false;
    std::atomic<size_t> count_ = 0;
    std::thread thread_;
};

/// Two writers and a watch; `lose_one` takes a node away from under them, `give_back` brings it again.
void survive(Cluster& cluster, const std::string& how, const std::function<void()>& lose_one,
             const std::function<void()>& give_back)
{
    EtcdOptions options = cluster.options(new_prefix());
    // An election takes a second or two, on a slow machine more than one of them is needed.
    options.time_limit = 30s;
    const auto witness = must(open_etcd(options));
    const auto watch = must(witness->watch("", must(witness->revision())));
    NumberedWriter first(options, "first"), second(options, "second");
    first.wait_for(200);
    second.wait_for(200);

    lose_one();
    const auto lost = steady_clock::now();
    // One write may have been on its way before.
    first.wait_for(first.count() + 2);
    const auto gap = steady_clock::now() - lost;
    first.wait_for(first.count() + 200);
    second.wait_for(second.count() + 200);
    give_back();
    first.wait_for(first.count() + 200);
    first.stop();
    second.stop();

    std::map<std::string, Revision> written = first.written;
    written.insert(second.written.begin(), second.written.end());
    for (const auto* writer : {&first, &second}) {
        for (const Error& error : writer->errors) FAIL_CHECK(error.what);
    }
    const Revision end =
        must(witness->commit({.when = {}, .then = {{.key = "~end", .value = "x"}}})).revision;
    written["~end"] = end;

    std::map<std::string, Revision> listed;
    for (const Entry& entry : must(witness->list("", "", 1'000'000))) {
        listed[entry.key] = entry.created;
        CHECK(entry.created == entry.modified);  // done once
    }
    CHECK(listed == written);

    std::map<std::string, Revision> delivered;
    while (!delivered.contains("~end")) {
        for (const Change& change : must(watch->next(1min))) {
            CHECK_FALSE(change.deleted);
            CHECK(delivered.emplace(change.entry.key, change.entry.modified).second);
        }
    }
    CHECK(delivered == written);
    MESSAGE(fmt::format("{}: {} ms to the next write, {} written", how,
                        std::chrono::duration_cast<std::chrono::milliseconds>(gap).count(), written.size()));
}

TEST_CASE(
    "a leader that is killed, or hangs and comes back, costs no write, doubles none, and a watch misses "
    "nothing")
{
    Cluster cluster(3);
    size_t lost = 0;
    survive(
        cluster, "leader killed",
        [&] {
            lost = cluster.leader();
            cluster.kill(lost);
        },
        [&] { cluster.start_all(); });
    survive(
        cluster, "leader frozen",
        [&] {
            lost = cluster.leader();
            cluster.freeze(lost);
        },
        [&] {
            cluster.thaw(lost);
            cluster.leader();
        });
}

TEST_CASE("a node that has lost the others is left for one that has not")
{
    // The node that the store uses hears nothing from the other two, and they nothing from it.
    Cluster cluster(3);
    EtcdOptions options = cluster.options(new_prefix());
    options.time_limit = 1s;
    const auto store = must(open_etcd(options));
    options.time_limit = 60s;
    const auto patient = must(open_etcd(options));
    must(store->commit({.when = {}, .then = {{.key = "a", .value = "1"}}}));
    must(patient->commit({.when = {}, .then = {{.key = "b", .value = "1"}}}));
    for (size_t node = 1; node < 3; ++node) cluster.freeze(node);
    // Alone it has no quorum: nothing can be written, and nothing is said to be.
    const auto alone = store->commit({.when = {}, .then = {{.key = "a", .value = "2"}}});
    REQUIRE_FALSE(alone);
    CHECK((alone.error().kind == ErrorKind::lost || alone.error().kind == ErrorKind::unavailable));
    CHECK(store->get("a").error().kind == ErrorKind::unavailable);
    for (size_t node = 1; node < 3; ++node) cluster.thaw(node);
    cluster.freeze(0);
    CHECK(must(patient->commit({.when = {}, .then = {{.key = "b", .value = "2"}}})).succeeded);
    CHECK(must(patient->get("b")).value().value == "2");
}

}  // namespace
}  // namespace belay::store
