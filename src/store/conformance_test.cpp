// The contract of store.h, held against every store there is: keys, transactions, limits.

#include "store/conformance.h"

#include <atomic>
#include <thread>

namespace belay::store {
namespace {

using namespace std::chrono_literals;

FOR_EVERY_STORE("every commit that changes something gets a higher revision than all before")
{
    Fixture f;
    Revision last = must(f.store.revision());
    const auto rises_by = [&](std::vector<Write> writes) {
        const Revision before = std::exchange(last, write(f.store, std::move(writes)));
        CHECK(must(f.store.revision()) == last);
        return last - before;
    };
    CHECK(rises_by({put("a", "1"), put("b", "1")}) > 0);
    CHECK(rises_by({put("a", "2")}) > 0);
    CHECK(rises_by({put("a", "2")}) > 0);  // the same value is a change as well
    CHECK(rises_by({}) == 0);
    CHECK(rises_by({remove("nothing")}) >= 0);
    CHECK(rises_by({remove("nothing"), remove("b")}) > 0);
}

FOR_EVERY_LOCAL_STORE("a local store counts its commits from 1, and only those that change something")
{
    Fixture f;
    CHECK(f.store.revision().value() == 0);
    CHECK(write(f.store, {put("a", "1"), put("b", "1")}) == 1);
    CHECK(write(f.store, {}) == 1);
    CHECK(write(f.store, {remove("nothing")}) == 1);
    CHECK(write(f.store, {remove("nothing"), remove("b")}) == 2);
}

FOR_EVERY_STORE_IN_TROUBLE("an entry knows the revision that created it and the last that changed it")
{
    Fixture f;
    write(f.store, {put("other", "")});
    const Revision created = write(f.store, {put("a", "1")});
    const Revision modified = write(f.store, {put("a", "2")});
    auto entry = must(f.store.get("a"));
    REQUIRE(entry);
    CHECK(entry->key == "a");
    CHECK(entry->value == "2");
    CHECK(entry->created == created);
    CHECK(entry->modified == modified);
    CHECK(entry->lease == 0);

    write(f.store, {remove("a")});
    CHECK_FALSE(must(f.store.get("a")));
    const Revision created_anew = write(f.store, {put("a", "3")});
    CHECK(must(f.store.get("a"))->created == created_anew);
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

FOR_EVERY_STORE_IN_TROUBLE("comparisons decide whether a transaction happens")
{
    Fixture f;
    const Revision created = write(f.store, {put("a", "1")});
    const Revision modified = write(f.store, {put("a", "2")});
    const auto happens = [&](const std::vector<Compare>& when) {
        return must(f.store.commit({.when = when, .then = {put("b", "x")}})).succeeded;
    };
    CHECK(happens({modified_at("a", modified)}));
    CHECK_FALSE(happens({modified_at("a", created)}));
    CHECK_FALSE(happens({modified_at("a", 0)}));
    CHECK(happens({created_at("a", created)}));
    CHECK_FALSE(happens({created_at("a", modified)}));
    CHECK_FALSE(happens({created_at("a", 0)}));
    CHECK(happens({modified_at("none", 0), created_at("none", 0)}));
    CHECK_FALSE(happens({modified_at("none", created)}));
    CHECK_FALSE(happens({modified_at("a", modified), created_at("a", modified)}));
}

FOR_EVERY_STORE_IN_TROUBLE("where a comparison fails nothing is written, and the entry in the way is shown")
{
    Fixture f;
    const Revision before = write(f.store, {put("lock", "ours")});
    const Commit taken = must(
        f.store.commit({.when = {modified_at("lock", 0)}, .then = {put("lock", "theirs"), put("b", "x")}}));
    CHECK_FALSE(taken.succeeded);
    CHECK(taken.revision >= before);
    REQUIRE(taken.conflict);
    CHECK(taken.conflict->key == "lock");
    CHECK(taken.conflict->value == "ours");
    CHECK(taken.conflict->modified == before);
    CHECK(value_of(f.store, "lock") == "ours");
    CHECK(value_of(f.store, "b") == "(none)");

    const Commit gone = must(f.store.commit({.when = {modified_at("none", 7)}, .then = {put("b", "x")}}));
    CHECK_FALSE(gone.succeeded);
    CHECK_FALSE(gone.conflict);
    CHECK(value_of(f.store, "b") == "(none)");
}

FOR_EVERY_STORE("comparisons alone are a transaction as well")
{
    Fixture f;
    const Revision at = write(f.store, {put("a", "1")});
    CHECK(
        must(f.store.commit({.when = {modified_at("a", at), created_at("none", 0)}, .then = {}})).succeeded);
    const Commit fails =
        must(f.store.commit({.when = {created_at("none", 0), created_at("a", 0)}, .then = {}}));
    CHECK_FALSE(fails.succeeded);
    CHECK(fails.conflict.value().value == "1");
    CHECK(must(f.store.revision()) == at);
}

FOR_EVERY_STORE("comparisons see the state before the transaction's own writes")
{
    Fixture f;
    const Commit commit = must(f.store.commit({.when = {modified_at("a", 0)}, .then = {put("a", "1")}}));
    CHECK(commit.succeeded);
    CHECK_FALSE(commit.conflict);
    CHECK_FALSE(must(f.store.commit({.when = {modified_at("a", 0)}, .then = {put("a", "2")}})).succeeded);
}

FOR_EVERY_STORE_IN_TROUBLE("a list holds the keys of a prefix in order of their bytes")
{
    Fixture f;
    write(f.store,
          {put("op/2", ""), put("op/10", ""), put("op", ""), put("op/", ""), put("oq", ""), put("on/1", ""),
           put("op/%", ""), put("op/_", ""), put("op/\xff", ""), put("op/\xff\xff", ""), put("OP/1", "")});
    CHECK(keys(must(f.store.list("op/"))) ==
          Keys{"op/", "op/%", "op/10", "op/2", "op/_", "op/\xff", "op/\xff\xff"});
    CHECK(keys(must(f.store.list("op/\xff"))) == Keys{"op/\xff", "op/\xff\xff"});
    CHECK(keys(must(f.store.list("op/%"))) == Keys{"op/%"});
    CHECK(keys(must(f.store.list("op/_"))) == Keys{"op/_"});
    CHECK(keys(must(f.store.list("oq"))) == Keys{"oq"});
    CHECK(must(f.store.list("zz")).empty());
    CHECK(must(f.store.list("")).size() == 11);
}

FOR_EVERY_STORE("a long list is read in pages")
{
    Fixture f;
    write(f.store, {put("a", ""), put("k/1", ""), put("k/2", ""), put("k/3", ""), put("l", "")});
    CHECK(keys(must(f.store.list("k/", "", 2))) == Keys{"k/1", "k/2"});
    CHECK(keys(must(f.store.list("k/", "k/2", 2))) == Keys{"k/3"});
    CHECK(must(f.store.list("k/", "k/3", 2)).empty());
    CHECK(must(f.store.list("k/", "k/", 0)).empty());
    CHECK(must(f.store.list("k/", "l", 2)).empty());
    CHECK(keys(must(f.store.list("k/", "a"))) == Keys{"k/1", "k/2", "k/3"});
    CHECK(keys(must(f.store.list("k/", "k/1\xff"))) == Keys{"k/2", "k/3"});
    CHECK(keys(must(f.store.list("", "k/3"))) == Keys{"l"});
}

FOR_EVERY_STORE("a list of thousands comes whole, and is of one instant")
{
    Fixture f;
    constexpr int transactions = 25, each = 100;
    const auto write_all = [&](const std::string& value) {
        for (int i = 0; i < transactions; ++i) {
            std::vector<Write> writes;
            writes.reserve(each);
            for (int j = 0; j < each; ++j) writes.push_back(put(fmt::format("k{:02}-{:02}", i, j), value));
            write(f.store, std::move(writes));
        }
    };
    write_all("old");
    std::thread writer([&] { write_all("new"); });
    const auto entries = must(f.store.list("k"));
    writer.join();
    CHECK(entries.size() == transactions * each);
    CHECK(std::ranges::is_sorted(entries, {}, &Entry::key));
    // The second round changes the keys in their order, so what is new stands before what is old.
    CHECK(std::ranges::is_partitioned(entries, [](const Entry& entry) { return entry.value == "new"; }));
    CHECK(must(f.store.list("k", "k24-00")).size() == each - 1);
}

FOR_EVERY_STORE("what goes beyond the limits is refused, what reaches them is not")
{
    Fixture f;
    const auto refused = [&](const std::vector<Write>& writes) {
        const auto result = f.store.commit({.when = {}, .then = writes});
        return !result && kind(result) == ErrorKind::usage;
    };
    const Revision before = must(f.store.revision());
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
    CHECK(must(f.store.revision()) == before);

    write(f.store,
          {put(longest_key, longest_value), put("b", std::string(max_value_bytes - max_key_bytes - 1, 'w'))});
    CHECK(value_of(f.store, longest_key) == longest_value);
    CHECK(must(f.store.list("")).size() == 2);

    Transaction most;
    for (size_t i = 0; i < max_writes; ++i) {
        most.when.push_back(created_at(fmt::format("many/{}", i), 0));
        most.then.push_back(put(fmt::format("many/{}", i), ""));
    }
    CHECK(must(f.store.commit(most)).succeeded);
    const Commit again = must(f.store.commit(most));
    CHECK_FALSE(again.succeeded);
    CHECK(again.conflict.value().key == "many/0");
}

FOR_EVERY_STORE_IN_TROUBLE("several threads count together and lose no step")
{
    Fixture f;
    constexpr int threads = 4, steps = 50;
    const Revision first = write(f.store, {put("count", "0")});
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
    const auto watch = must(f.store.watch("count", first));
    std::vector<std::thread> counting;
    counting.reserve(threads);
    for (int i = 0; i < threads; ++i) counting.emplace_back(count_up);
    std::string last;
    Revision seen = first;
    while (last != std::to_string(threads * steps)) {
        const auto changes = must(watch->next(1min));
        REQUIRE(changes.size() == 1);
        CHECK(changes[0].entry.modified > seen);
        seen = changes[0].entry.modified;
        last = changes[0].entry.value;
    }
    for (std::thread& thread : counting) thread.join();
    CHECK(value_of(f.store, "count") == last);
    CHECK(must(f.store.revision()) >= first + Revision{threads} * steps);
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
        const auto pair = must(f.store.list("pair/"));
        torn += pair.size() != 2 || pair[0].value != pair[1].value || pair[0].modified != pair[1].modified;
    } while (!done);
    writer.join();
    CHECK(torn == 0);
}

}  // namespace
}  // namespace belay::store
