// The contract of store.h, held against every store there is: watches.

#include "store/conformance.h"

#include <algorithm>
#include <thread>

namespace belay::store {
namespace {

using namespace std::chrono_literals;

FOR_EVERY_STORE_IN_TROUBLE("a watch delivers what changes under its prefix from now on")
{
    Fixture f;
    write(f.store, {put("op/1", "before")});
    const auto watch = must(f.store.watch("op/", must(f.store.revision())));
    CHECK(must(watch->next(0ms)).empty());
    write(f.store, {put("op/1", "x"), put("other", "x")});
    const Revision second = write(f.store, {put("op/2", "y")});
    const Revision third = write(f.store, {remove("op/1")});
    auto changes = changes_up_to(*watch, third);
    // What op/1 was for a moment may have been delivered, or not.
    std::erase_if(changes, [&](const Change& change) { return change.entry.modified < second; });
    CHECK(story(changes) == fmt::format("op/2=y@{} -op/1@{}", second, third));
    CHECK(must(watch->next(0ms)).empty());
    const Revision fourth = write(f.store, {put("op/1", "again")});
    CHECK(story(changes_up_to(*watch, fourth)) == fmt::format("op/1=again@{}", fourth));
}

FOR_EVERY_STORE_IN_TROUBLE("a watch from a past revision delivers what happened since, deletes too")
{
    Fixture f;
    const Revision start = must(f.store.revision());
    const Revision first =
        write(f.store, {put("op/1", "a"), put("op/2", "a"), put("op/3", "a"), put("x", "a")});
    const Revision second = write(f.store, {put("op/2", "b")});
    const Revision third = write(f.store, {remove("op/1"), remove("x")});
    const Revision fourth = write(f.store, {put("op/4", "d")});
    const Revision fifth = write(f.store, {remove("op/3")});
    const Revision sixth = write(f.store, {put("op/3", "back")});
    const auto since = [&](Revision revision) {
        const auto watch = must(f.store.watch("op/", revision));
        auto changes = changes_up_to(*watch, sixth);
        CHECK(changes.front().entry.modified > revision);
        CHECK(must(watch->next(0ms)).empty());
        // Of each key the last state counts.
        for (auto change = changes.begin(); change != changes.end();) {
            const bool changed_again = std::any_of(change + 1, changes.end(), [&](const Change& later) {
                return later.entry.key == change->entry.key;
            });
            change = changed_again ? changes.erase(change) : change + 1;
        }
        return story(changes);
    };
    const std::string last = fmt::format("op/3=back@{}", sixth);
    const std::string two = fmt::format("op/4=d@{} {}", fourth, last);
    const std::string all = fmt::format("op/2=b@{} -op/1@{} {}", second, third, two);
    CHECK(since(start) == all);
    CHECK(since(first) == all);
    CHECK(since(second) == fmt::format("-op/1@{} {}", third, two));
    CHECK(since(third) == two);
    CHECK(since(fifth) == last);
    CHECK(must(must(f.store.watch("op/", sixth))->next(0ms)).empty());
}

FOR_EVERY_STORE("many changes of one key end with the last of them")
{
    Fixture f;
    const auto watch = must(f.store.watch("", must(f.store.revision())));
    Revision busy = 0;
    for (int i = 1; i <= 50; ++i) busy = write(f.store, {put("busy", std::to_string(i))});
    const Revision quiet = write(f.store, {put("quiet", "x")});
    const auto changes = changes_up_to(*watch, quiet);
    REQUIRE(changes.size() >= 2);
    CHECK(story({changes.end() - 2, changes.end()}) == fmt::format("busy=50@{} quiet=x@{}", busy, quiet));
    CHECK(std::ranges::is_sorted(changes, {}, [](const Change& change) { return change.entry.modified; }));
}

FOR_EVERY_STORE("a flood of changes comes in portions, and nothing is left out")
{
    Fixture f;
    const auto watch = must(f.store.watch("k", must(f.store.revision())));
    for (int i = 0; i < 20; ++i) {
        std::vector<Write> writes;
        writes.reserve(100);
        for (int j = 0; j < 100; ++j) writes.push_back(put(fmt::format("k{}-{}", i, j), ""));
        write(f.store, writes);
    }
    std::set<std::string> seen;
    while (seen.size() < 2000) {
        const auto portion = must(watch->next(1min));
        REQUIRE(!portion.empty());
        CHECK(portion.size() <= 1000);
        for (const Change& change : portion) CHECK(seen.insert(change.entry.key).second);
    }
    CHECK(must(watch->next(0ms)).empty());
}

FOR_EVERY_LOCAL_STORE(
    "a watch that is dropped and made anew a thousand times misses nothing and has nothing twice")
{
    // src/store/etcd/disconnects_test.cpp does the same to connections.
    Fixture f;
    constexpr int watches = 1000;
    int written = 0;
    Revision last = 0;
    const auto write_some = [&](int count) {
        for (; count > 0; --count, ++written)
            write(f.store, {put(fmt::format("count/{}", written), ""), put("busy", std::to_string(written))});
    };
    std::map<std::string, int> delivered;
    for (int i = 0; i < watches; ++i) {
        write_some(i % 3);
        const auto watch = must(f.store.watch("", last));
        write_some(1 + i % 2);
        for (const Change& change : must(watch->next(1min))) {
            CHECK(change.entry.modified >= last);
            last = change.entry.modified;
            ++delivered[change.entry.key];
        }
        write_some(i % 2);
    }
    const auto watch = must(f.store.watch("", last));
    for (const Change& change : must(watch->next(0ms))) ++delivered[change.entry.key];
    delivered.erase("busy");
    CHECK(delivered.size() == static_cast<size_t>(written));
    CHECK(std::ranges::all_of(delivered, [](const auto& key) { return key.second == 1; }));
}

FOR_EVERY_STORE("large values come through a watch whole")
{
    Fixture f;
    const Revision before = must(f.store.revision());
    const std::string large(max_value_bytes, 'v');
    Revision last = 0;
    for (int i = 0; i < 3; ++i) last = write(f.store, {put(fmt::format("large/{}", i), large)});
    const auto watch = must(f.store.watch("", before));
    const auto changes = changes_up_to(*watch, last);
    CHECK(changes.size() == 3);
    CHECK(std::ranges::all_of(changes, [&](const Change& change) { return change.entry.value == large; }));
}

FOR_EVERY_STORE("a watch from the future is refused")
{
    Fixture f;
    const Revision now = write(f.store, {put("a", ""), put("b", "")});
    CHECK(kind(f.store.watch("", now + 1)) == ErrorKind::not_found);
    CHECK(kind(f.store.watch("", now + 1'000'000)) == ErrorKind::not_found);
    CHECK(f.store.watch("", now));
}

FOR_EVERY_STORE("the last thousand revisions are remembered, deletes too, and not many more")
{
    Fixture f;
    const Revision start = must(f.store.revision());
    write(f.store, {put("victim/0", ""), put("victim/1", "")});
    write(f.store, {remove("victim/0")});
    for (int i = 0; i < 400; ++i) write(f.store, {put("noise", "")});
    const Revision died = write(f.store, {remove("victim/1")});
    Revision now = died;
    while (now < died + remembered_revisions - 1) now = write(f.store, {put("noise", "")});
    const auto watch = must(f.store.watch("victim/", now - remembered_revisions));
    CHECK(story(must(watch->next(1min))) == fmt::format("-victim/1@{}", died));
    while (now < start + 7 * remembered_revisions) now = write(f.store, {put("noise", "")});
    CHECK(kind(f.store.watch("", start)) == ErrorKind::not_found);
}

FOR_EVERY_STORE("a waiting watch is woken by a change")
{
    Fixture f;
    const auto watch = must(f.store.watch("a", must(f.store.revision())));
    Revision written = 0;
    std::thread writer([&] { written = write(f.store, {put("a", "1")}); });
    const auto changes = must(watch->next(1min));
    writer.join();
    CHECK(story(changes) == fmt::format("a=1@{}", written));
}

FOR_EVERY_STORE("a waiting watch is woken by an interrupt, which loses nothing")
{
    Fixture f;
    const auto watch = must(f.store.watch("a", must(f.store.revision())));
    std::thread interrupter([&] { watch->interrupt(); });
    const auto start = std::chrono::steady_clock::now();
    CHECK(must(watch->next(1min)).empty());
    CHECK(std::chrono::steady_clock::now() - start < 50s);
    interrupter.join();

    const Revision written = write(f.store, {put("a", "1")});
    watch->interrupt();
    CHECK(must(watch->next(1min)).empty());
    CHECK(story(must(watch->next(1min))) == fmt::format("a=1@{}", written));
}

FOR_EVERY_STORE("a watch that has waited long enough comes back empty")
{
    Fixture f;
    const auto watch = must(f.store.watch("a", must(f.store.revision())));
    write(f.store, {put("b", "1")});
    CHECK(must(watch->next(1ms)).empty());
}

FOR_EVERY_STORE("a watch goes away at once, with nobody waiting and nothing read")
{
    Fixture f;
    const Revision now = must(f.store.revision());
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 20; ++i) {
        const auto watch = must(f.store.watch("", now));
        write(f.store, {put("a", "1")});
    }
    CHECK(std::chrono::steady_clock::now() - start < 20s);
}

}  // namespace
}  // namespace belay::store
