#pragma once
// For tests: the stores that keep the contract of store.h, and words to tell it in. A new store joins by a
// type like those below, and by its name in FOR_EVERY_STORE.

#include "base/testing/must.h"
#include "store/etcd/testing/cluster.h"
#include "store/limits.h"
#include "store/memory.h"
#include "store/scratch_folder.h"
#include "store/sqlite.h"

#include <doctest/doctest.h>

namespace belay::store {

/// Time passes only when a test says so.
struct HandClock {
    std::chrono::milliseconds time{1'000'000};
    BootClock boot_clock()
    {
        return {.boot = "this boot", .now = [this] { return time; }};
    }
};

struct InMemory {
    HandClock clock;
    MemoryStore memory{clock.boot_clock()};
    Store& store = memory;
};

struct InSqlite {
    HandClock clock;
    ScratchFolder folder;
    std::unique_ptr<Store> sqlite = must(open_sqlite(folder / "belay.db", clock.boot_clock()));
    Store& store = *sqlite;
};

/// A site of its own in one etcd.
struct InEtcd {
    std::unique_ptr<Store> etcd = must(open_etcd(shared_etcd().options(new_prefix())));
    Store& store = *etcd;
};

/// Three nodes, whose leader has just been killed.
struct InEtcdWithoutLeader {
    std::unique_ptr<Store> etcd = open_and_kill_leader();
    Store& store = *etcd;

    static std::unique_ptr<Store> open_and_kill_leader()
    {
        static Cluster cluster(3, {"--heartbeat-interval=50", "--election-timeout=500"});
        cluster.start_all();
        auto etcd = must(open_etcd(cluster.options(new_prefix())));
        write_something(*etcd);  // it has all that it needs to go on
        cluster.kill(cluster.leader());
        return etcd;
    }
    static void write_something(Store& store) { must(store.commit({.when = {}, .then = {{.key = "~"}}})); }
};

#define FOR_EVERY_STORE(scenario) TEST_CASE_TEMPLATE(scenario, Fixture, InMemory, InSqlite, InEtcd)
#define FOR_EVERY_STORE_IN_TROUBLE(scenario) \
    TEST_CASE_TEMPLATE(scenario, Fixture, InMemory, InSqlite, InEtcd, InEtcdWithoutLeader)
/// Those whose clock is in the test's hands.
#define FOR_EVERY_LOCAL_STORE(scenario) TEST_CASE_TEMPLATE(scenario, Fixture, InMemory, InSqlite)

inline Write put(std::string key, std::string value, LeaseId lease = 0)
{
    return {.key = std::move(key), .value = std::move(value), .lease = lease};
}

inline Write remove(std::string key)
{
    return {.key = std::move(key)};
}

inline Compare modified_at(std::string key, Revision revision)
{
    return {.of = Compare::Of::modified, .key = std::move(key), .revision = revision};
}

inline Compare created_at(std::string key, Revision revision)
{
    return {.of = Compare::Of::created, .key = std::move(key), .revision = revision};
}

inline Revision write(Store& store, std::vector<Write> writes)
{
    const Commit commit = must(store.commit({.when = {}, .then = std::move(writes)}));
    CHECK(commit.succeeded);
    return commit.revision;
}

inline std::string value_of(Store& store, std::string_view key)
{
    const auto entry = must(store.get(key));
    return entry ? entry->value : "(none)";
}

using Keys = std::vector<std::string>;

inline Keys keys(const std::vector<Entry>& entries)
{
    Keys keys;
    keys.reserve(entries.size());
    for (const Entry& entry : entries) keys.push_back(entry.key);
    return keys;
}

/// "a=1@3 -b@4": what is delivered, with the revisions.
inline std::string story(const std::vector<Change>& changes)
{
    std::string text;
    for (const auto& [entry, deleted] : changes) {
        if (!text.empty()) text += ' ';
        text += deleted ? fmt::format("-{}@{}", entry.key, entry.modified)
                        : fmt::format("{}={}@{}", entry.key, entry.value, entry.modified);
    }
    return text;
}

/// What a watch delivers up to the revision `last`, which changes something that it watches. A store may be
/// some time behind in delivering, but it delivers in order.
inline std::vector<Change> changes_up_to(Watch& watch, Revision last)
{
    std::vector<Change> all;
    while (all.empty() || all.back().entry.modified < last) {
        const auto more = must(watch.next(std::chrono::minutes(1)));
        REQUIRE(!more.empty());
        all.insert(all.end(), more.begin(), more.end());
    }
    return all;
}

template <typename T>
ErrorKind kind(const Result<T>& result)
{
    REQUIRE(!result);
    return result.error().kind;
}

}  // namespace belay::store
