// The contract of store.h, held against every store there is. A new store joins by a type like the two below,
// and by its name in FOR_EVERY_STORE.

#include "store/limits.h"
#include "store/memory.h"
#include "store/scratch_folder.h"
#include "store/sqlite.h"

#include <algorithm>
#include <atomic>
#include <doctest/doctest.h>
#include <thread>

namespace belay::store {
namespace {

using namespace std::chrono_literals;

/// Time passes only when a test says so.
struct HandClock {
    std::chrono::milliseconds time = 1000s;
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
    std::unique_ptr<Store> sqlite = open_sqlite(folder / "belay.db", clock.boot_clock()).value();
    Store& store = *sqlite;
};

#define FOR_EVERY_STORE(scenario) TEST_CASE_TEMPLATE(scenario, Fixture, InMemory, InSqlite)

Write put(std::string key, std::string value, LeaseId lease = 0)
{
    return {.key = std::move(key), .value = std::move(value), .lease = lease};
}

Write remove(std::string key)
{
    return {.key = std::move(key)};
}

Compare modified_at(std::string key, Revision revision)
{
    return {.of = Compare::Of::modified, .key = std::move(key), .revision = revision};
}

Compare created_at(std::string key, Revision revision)
{
    return {.of = Compare::Of::created, .key = std::move(key), .revision = revision};
}

Revision write(Store& store, std::vector<Write> writes)
{
    const Commit commit = store.commit({.when = {}, .then = std::move(writes)}).value();
    CHECK(commit.succeeded);
    return commit.revision;
}

std::string value_of(Store& store, std::string_view key)
{
    const auto entry = store.get(key).value();
    return entry ? entry->value : "(none)";
}

std::vector<std::string> keys(const std::vector<Entry>& entries)
{
    std::vector<std::string> keys;
    keys.reserve(entries.size());
    for (const Entry& entry : entries) keys.push_back(entry.key);
    return keys;
}

/// "a=1@3 -b@4": what is delivered, with the revisions.
std::string story(const std::vector<Change>& changes)
{
    std::string text;
    for (const auto& [entry, deleted] : changes) {
        if (!text.empty()) text += ' ';
        text += deleted ? fmt::format("-{}@{}", entry.key, entry.modified)
                        : fmt::format("{}={}@{}", entry.key, entry.value, entry.modified);
    }
    return text;
}

template <typename T>
ErrorKind kind(const Result<T>& result)
{
    INVARIANT(!result);
    return result.error().kind;
}

using Keys = std::vector<std::string>;

FOR_EVERY_STORE("every commit that changes something gets the next revision")
{
    Fixture f;
    CHECK(f.store.revision().value() == 0);
    CHECK(write(f.store, {put("a", "1"), put("b", "1")}) == 1);
    CHECK(write(f.store, {put("a", "2")}) == 2);
    CHECK(write(f.store, {put("a", "2")}) == 3);  // the same value is a change as well
    CHECK(write(f.store, {}) == 3);
    CHECK(write(f.store, {remove("nothing")}) == 3);
    CHECK(write(f.store, {remove("nothing"), remove("b")}) == 4);
    CHECK(f.store.revision().value() == 4);
}

FOR_EVERY_STORE("an entry knows the revision that created it and the last that changed it")
{
    Fixture f;
    write(f.store, {put("other", "")});
    write(f.store, {put("a", "1")});
    write(f.store, {put("a", "2")});
    auto entry = f.store.get("a").value();
    REQUIRE(entry);
    CHECK(entry->key == "a");
    CHECK(entry->value == "2");
    CHECK(entry->created == 2);
    CHECK(entry->modified == 3);
    CHECK(entry->lease == 0);

    write(f.store, {remove("a")});
    CHECK_FALSE(f.store.get("a").value());
    write(f.store, {put("a", "3")});
    CHECK(f.store.get("a").value()->created == 5);
}

FOR_EVERY_STORE("values and keys are bytes, whatever they are")
{
    Fixture f;
    const std::string odd("\0\xff%_'\n", 6);
    write(f.store, {put(odd, odd), put("empty", "")});
    CHECK(value_of(f.store, odd) == odd);
    CHECK(value_of(f.store, "empty").empty());
    CHECK(value_of(f.store, std::string("\0", 1)) == "(none)");
}

FOR_EVERY_STORE("comparisons decide whether a transaction happens")
{
    Fixture f;
    write(f.store, {put("a", "1")});
    write(f.store, {put("a", "2")});
    const auto happens = [&](const std::vector<Compare>& when) {
        return f.store.commit({.when = when, .then = {put("b", "x")}}).value().succeeded;
    };
    CHECK(happens({modified_at("a", 2)}));
    CHECK_FALSE(happens({modified_at("a", 1)}));
    CHECK_FALSE(happens({modified_at("a", 0)}));
    CHECK(happens({created_at("a", 1)}));
    CHECK_FALSE(happens({created_at("a", 2)}));
    CHECK_FALSE(happens({created_at("a", 0)}));
    CHECK(happens({modified_at("none", 0), created_at("none", 0)}));
    CHECK_FALSE(happens({modified_at("none", 1)}));
    CHECK_FALSE(happens({modified_at("a", 2), created_at("a", 2)}));
}

FOR_EVERY_STORE("where a comparison fails nothing is written, and the entry in the way is shown")
{
    Fixture f;
    write(f.store, {put("lock", "ours")});
    const Commit taken =
        f.store.commit({.when = {modified_at("lock", 0)}, .then = {put("lock", "theirs"), put("b", "x")}})
            .value();
    CHECK_FALSE(taken.succeeded);
    CHECK(taken.revision == 1);
    REQUIRE(taken.conflict);
    CHECK(taken.conflict->value == "ours");
    CHECK(value_of(f.store, "lock") == "ours");
    CHECK(value_of(f.store, "b") == "(none)");

    const Commit gone = f.store.commit({.when = {modified_at("none", 7)}, .then = {put("b", "x")}}).value();
    CHECK_FALSE(gone.succeeded);
    CHECK_FALSE(gone.conflict);
    CHECK(f.store.revision().value() == 1);
}

FOR_EVERY_STORE("comparisons see the state before the transaction's own writes")
{
    Fixture f;
    const Commit commit = f.store.commit({.when = {modified_at("a", 0)}, .then = {put("a", "1")}}).value();
    CHECK(commit.succeeded);
    CHECK_FALSE(commit.conflict);
    CHECK_FALSE(f.store.commit({.when = {modified_at("a", 0)}, .then = {put("a", "2")}}).value().succeeded);
}

FOR_EVERY_STORE("a list holds the keys of a prefix in order of their bytes")
{
    Fixture f;
    write(f.store,
          {put("op/2", ""), put("op/10", ""), put("op", ""), put("op/", ""), put("oq", ""), put("on/1", ""),
           put("op/%", ""), put("op/_", ""), put("op/\xff", ""), put("op/\xff\xff", ""), put("OP/1", "")});
    CHECK(keys(f.store.list("op/").value()) ==
          Keys{"op/", "op/%", "op/10", "op/2", "op/_", "op/\xff", "op/\xff\xff"});
    CHECK(keys(f.store.list("op/\xff").value()) == Keys{"op/\xff", "op/\xff\xff"});
    CHECK(keys(f.store.list("op/%").value()) == Keys{"op/%"});
    CHECK(keys(f.store.list("op/_").value()) == Keys{"op/_"});
    CHECK(keys(f.store.list("oq").value()) == Keys{"oq"});
    CHECK(f.store.list("zz").value().empty());
    CHECK(f.store.list("").value().size() == 11);
}

FOR_EVERY_STORE("a long list is read in pages")
{
    Fixture f;
    write(f.store, {put("a", ""), put("k/1", ""), put("k/2", ""), put("k/3", ""), put("l", "")});
    CHECK(keys(f.store.list("k/", "", 2).value()) == Keys{"k/1", "k/2"});
    CHECK(keys(f.store.list("k/", "k/2", 2).value()) == Keys{"k/3"});
    CHECK(f.store.list("k/", "k/3", 2).value().empty());
    CHECK(f.store.list("k/", "k/", 0).value().empty());
    CHECK(f.store.list("k/", "l", 2).value().empty());
    CHECK(keys(f.store.list("k/", "a").value()) == Keys{"k/1", "k/2", "k/3"});
    CHECK(keys(f.store.list("k/", "k/1\xff").value()) == Keys{"k/2", "k/3"});
    CHECK(keys(f.store.list("", "k/3").value()) == Keys{"l"});
}

FOR_EVERY_STORE("a watch delivers what changes under its prefix from now on")
{
    Fixture f;
    write(f.store, {put("op/1", "before")});
    const auto watch = f.store.watch("op/", f.store.revision().value()).value();
    CHECK(watch->next(0ms).value().empty());
    write(f.store, {put("op/1", "x"), put("other", "x")});
    write(f.store, {put("op/2", "y")});
    write(f.store, {remove("op/1")});
    CHECK(story(watch->next(0ms).value()) == "op/2=y@3 -op/1@4");
    CHECK(watch->next(0ms).value().empty());
    write(f.store, {put("op/1", "again")});
    CHECK(story(watch->next(0ms).value()) == "op/1=again@5");
}

FOR_EVERY_STORE("a watch from a past revision delivers what happened since, deletes too")
{
    Fixture f;
    write(f.store, {put("op/1", "a"), put("op/2", "a"), put("op/3", "a"), put("x", "a")});
    write(f.store, {put("op/2", "b")});
    write(f.store, {remove("op/1"), remove("x")});
    write(f.store, {put("op/4", "d")});
    write(f.store, {remove("op/3")});
    write(f.store, {put("op/3", "back")});
    const auto since = [&](Revision revision) {
        return story(f.store.watch("op/", revision).value()->next(0ms).value());
    };
    CHECK(since(0) == "op/2=b@2 -op/1@3 op/4=d@4 op/3=back@6");
    CHECK(since(1) == "op/2=b@2 -op/1@3 op/4=d@4 op/3=back@6");
    CHECK(since(2) == "-op/1@3 op/4=d@4 op/3=back@6");
    CHECK(since(3) == "op/4=d@4 op/3=back@6");
    CHECK(since(5) == "op/3=back@6");
    CHECK(since(6).empty());
}

FOR_EVERY_STORE("many changes of one key are delivered as the last of them")
{
    Fixture f;
    const auto watch = f.store.watch("", 0).value();
    for (int i = 1; i <= 50; ++i) write(f.store, {put("busy", std::to_string(i))});
    write(f.store, {put("quiet", "x")});
    const auto changes = watch->next(0ms).value();
    REQUIRE(!changes.empty());
    CHECK(story({changes.end() - 2, changes.end()}) == "busy=50@50 quiet=x@51");
    CHECK(std::ranges::is_sorted(changes, {}, [](const Change& change) { return change.entry.modified; }));
}

FOR_EVERY_STORE("a flood of changes comes in portions, and nothing is left out")
{
    Fixture f;
    const auto watch = f.store.watch("k", 0).value();
    for (int i = 0; i < 20; ++i) {
        std::vector<Write> writes;
        writes.reserve(100);
        for (int j = 0; j < 100; ++j) writes.push_back(put(fmt::format("k{}-{}", i, j), ""));
        write(f.store, writes);
    }
    std::set<std::string> seen;
    for (auto portion = watch->next(0ms).value(); !portion.empty(); portion = watch->next(0ms).value()) {
        CHECK(portion.size() <= 1000);
        for (const Change& change : portion) seen.insert(change.entry.key);
    }
    CHECK(seen.size() == 2000);
}

FOR_EVERY_STORE("a watch from further back than the store remembers, or from the future, is refused")
{
    Fixture f;
    write(f.store, {put("a", ""), put("b", "")});
    write(f.store, {remove("a")});
    for (int i = 0; i < 1000; ++i) write(f.store, {put("b", ""), (i % 2 == 0 ? put("c", "") : remove("c"))});
    REQUIRE(f.store.revision().value() == 1002);
    CHECK(kind(f.store.watch("", 1)) == ErrorKind::not_found);
    CHECK(story(f.store.watch("", 2).value()->next(0ms).value()) == "b=@1002 -c@1002");
    CHECK(kind(f.store.watch("", 1003)) == ErrorKind::not_found);
}

FOR_EVERY_STORE("deletes of the last thousand revisions are remembered")
{
    Fixture f;
    write(f.store, {put("victim/0", ""), put("victim/1", "")});
    write(f.store, {remove("victim/0")});
    for (int i = 0; i < 400; ++i) write(f.store, {put("noise", "")});
    write(f.store, {remove("victim/1")});
    for (int i = 0; i < 999; ++i) write(f.store, {put("noise", "")});
    CHECK(f.store.revision().value() == 1402);
    CHECK(story(f.store.watch("victim/", 402).value()->next(0ms).value()) == "-victim/1@403");
}

FOR_EVERY_STORE("a waiting watch is woken by a change")
{
    Fixture f;
    const auto watch = f.store.watch("a", 0).value();
    std::thread writer([&] { write(f.store, {put("a", "1")}); });
    CHECK(story(watch->next(1min).value()) == "a=1@1");
    writer.join();
}

FOR_EVERY_STORE("a waiting watch is woken by an interrupt, which loses nothing")
{
    Fixture f;
    const auto watch = f.store.watch("a", 0).value();
    std::thread interrupter([&] { watch->interrupt(); });
    const auto start = std::chrono::steady_clock::now();
    CHECK(watch->next(1min).value().empty());
    CHECK(std::chrono::steady_clock::now() - start < 50s);
    interrupter.join();

    write(f.store, {put("a", "1")});
    watch->interrupt();
    CHECK(watch->next(1min).value().empty());
    CHECK(story(watch->next(1min).value()) == "a=1@1");
}

FOR_EVERY_STORE("a watch that has waited long enough comes back empty")
{
    Fixture f;
    const auto watch = f.store.watch("a", 0).value();
    write(f.store, {put("b", "1")});
    CHECK(watch->next(1ms).value().empty());
}

FOR_EVERY_STORE("a lease that is not kept alive takes its keys with it")
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

FOR_EVERY_STORE("a revoked lease takes its keys with it, and may be revoked again")
{
    Fixture f;
    const LeaseId lease = f.store.grant(10s).value();
    const LeaseId other = f.store.grant(10s).value();
    CHECK(lease != other);
    write(f.store, {put("a", "", lease), put("b", "", other)});
    CHECK(f.store.revoke(lease));
    CHECK(keys(f.store.list("").value()) == Keys{"b"});
    CHECK(f.store.revision().value() == 2);
    CHECK(f.store.revoke(lease));
    CHECK(f.store.revoke(4711));
    CHECK(f.store.revision().value() == 2);
    CHECK(kind(f.store.keep_alive(lease)) == ErrorKind::not_found);
}

FOR_EVERY_STORE("a key belongs to the lease of its last put alone")
{
    Fixture f;
    const LeaseId first = f.store.grant(10s).value();
    const LeaseId second = f.store.grant(20s).value();
    write(f.store, {put("freed", "", first), put("moved", "", first), put("remade", "", first)});
    write(f.store, {put("freed", ""), put("moved", "", second), remove("remade")});
    write(f.store, {put("remade", "")});
    CHECK(f.store.revoke(first));
    CHECK(keys(f.store.list("").value()) == Keys{"freed", "moved", "remade"});
    CHECK(f.store.revoke(second));
    CHECK(keys(f.store.list("").value()) == Keys{"freed", "remade"});
}

FOR_EVERY_STORE("a put under a lease that has ended writes nothing at all")
{
    Fixture f;
    const LeaseId lease = f.store.grant(10s).value();
    CHECK(kind(f.store.commit({.when = {}, .then = {put("a", ""), put("b", "", lease + 1)}})) ==
          ErrorKind::not_found);
    f.clock.time += 10s;  // it has run out, although nobody has called expire() yet
    CHECK(kind(f.store.commit({.when = {}, .then = {put("a", ""), put("b", "", lease)}})) ==
          ErrorKind::not_found);
    CHECK(f.store.list("").value().empty());
    CHECK(f.store.revision().value() == 0);
}

FOR_EVERY_STORE("what goes beyond the limits is refused, what reaches them is not")
{
    Fixture f;
    const auto refused = [&](const std::vector<Write>& writes) {
        const auto result = f.store.commit({.when = {}, .then = writes});
        return !result && kind(result) == ErrorKind::usage;
    };
    const std::string longest_key(max_key_bytes, 'k');
    const std::string longest_value(max_value_bytes, 'v');
    CHECK(refused({put("", "")}));
    CHECK(refused({put(longest_key + "k", "")}));
    CHECK(refused({put("a", longest_value + "v")}));
    CHECK(refused({put("a", "1"), put("a", "2")}));
    CHECK(refused({put("a", "1"), remove("a")}));
    CHECK(refused({put("a", longest_value), put("b", longest_value)}));
    CHECK(refused(std::vector<Write>(max_writes + 1, put("a", ""))));
    CHECK(kind(f.store.commit({.when = {modified_at("", 0)}, .then = {}})) == ErrorKind::usage);
    CHECK(kind(f.store.grant(0ms)) == ErrorKind::usage);
    CHECK(kind(f.store.grant(std::chrono::years(11))) == ErrorKind::usage);
    CHECK(f.store.revision().value() == 0);

    CHECK(write(f.store, {put(longest_key, longest_value)}) == 1);
    CHECK(value_of(f.store, longest_key) == longest_value);
}

FOR_EVERY_STORE("several threads count together and lose no step")
{
    Fixture f;
    constexpr int threads = 4, steps = 50;
    write(f.store, {put("count", "0")});
    const auto count_up = [&] {
        for (int done = 0; done < steps;) {
            const Entry seen = f.store.get("count").value().value();
            const std::string next = std::to_string(std::stoi(seen.value) + 1);
            done +=
                f.store.commit({.when = {modified_at("count", seen.modified)}, .then = {put("count", next)}})
                    .value()
                    .succeeded;
        }
    };
    const auto watch = f.store.watch("count", 1).value();
    std::vector<std::thread> counting;
    counting.reserve(threads);
    for (int i = 0; i < threads; ++i) counting.emplace_back(count_up);
    std::string last;
    Revision seen = 1;
    while (last != std::to_string(threads * steps)) {
        const auto changes = watch->next(1min).value();
        REQUIRE(changes.size() == 1);
        CHECK(changes[0].entry.modified > seen);
        seen = changes[0].entry.modified;
        last = changes[0].entry.value;
    }
    for (std::thread& thread : counting) thread.join();
    CHECK(f.store.revision().value() == 1 + threads * steps);
}

FOR_EVERY_STORE("readers never see half a transaction")
{
    Fixture f;
    write(f.store, {put("pair/a", "0"), put("pair/b", "0")});
    std::atomic<bool> done = false;
    std::thread writer([&] {
        for (int i = 1; i <= 200; ++i)
            write(f.store, {put("pair/a", std::to_string(i)), put("pair/b", std::to_string(i))});
        done = true;
    });
    int torn = 0;
    do {
        const auto pair = f.store.list("pair/").value();
        torn += pair.size() != 2 || pair[0].value != pair[1].value || pair[0].modified != pair[1].modified;
    } while (!done);
    writer.join();
    CHECK(torn == 0);
}

}  // namespace
}  // namespace belay::store
