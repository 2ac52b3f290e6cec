// Waiting for new snapshots, of servers that behave and of others.

#include "backup/backend/snapshot_watch.h"

#include "backup/backend/local.h"
#include "scratch.h"
#include "scripted_server.h"

#include <doctest/doctest.h>

namespace belay::backup {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = SnapshotWatch::Clock;
using Heard = SnapshotWatch::Heard;

const Id here = Id::of("the repository");
const Id one = Id::of("one"), two = Id::of("two");

std::string listing(const std::vector<Id>& ids)
{
    std::string text = "[";
    for (const Id& id : ids)
        text += fmt::format("{}{{\"name\":\"{}\",\"size\":5}}", text.size() > 1 ? "," : "", id.hex());
    return text + "]";
}

Script lists(const std::vector<Id>& ids, std::vector<std::string> fields = {})
{
    fields.emplace_back("Content-Type: application/vnd.x.restic.rest.v2");
    return answer("200 OK", listing(ids), fields);
}

Script not_modified(const std::vector<std::string>& fields)
{
    return {[=](Exchange& exchange) {
        std::vector<std::string> all = fields;
        all.emplace_back("Connection: close");
        exchange.sends_head("304 Not Modified", all);
    }};
}

/// Pauses that a test can wait for; every hour where nobody waits.
WatchPace quick()
{
    return {.every = std::chrono::hours(1),
            .least = milliseconds(100),
            .first_pause = milliseconds(20),
            .longest_pause = milliseconds(80)};
}

/// The next that is heard, within twenty seconds.
Heard next(SnapshotWatch& watch)
{
    const auto until = Clock::now() + seconds(20);
    for (;;) {
        std::vector<Heard> heard = watch.wait({}, until);
        REQUIRE(Clock::now() < until);
        if (heard.empty()) continue;
        REQUIRE(heard.size() == 1);
        CHECK(heard.front().repository == here);
        return std::move(heard.front());
    }
}

/// Nothing is heard for so long.
void is_silent(SnapshotWatch& watch, milliseconds span)
{
    const auto until = Clock::now() + span;
    while (Clock::now() < until) REQUIRE(watch.wait({}, until).empty());
}

TEST_CASE(
    "a server that knows how to wait is asked for what is other than we have, and need not be asked often")
{
    const std::vector<std::string> waits = {"Preference-Applied: wait=50"};
    const auto with_mark = [&](const std::string& mark) {
        return std::vector<std::string>{"ETag: " + mark, waits.front()};
    };
    ScriptedServer server({lists({one}, {"ETag: W/\"first\""}), not_modified(with_mark("W/\"first\"")),
                           lists({two, one}, {"ETag: \"second\""}), lists({two}, with_mark("\"third\"")),
                           hang(true)});
    SnapshotWatch watch(quick());
    must(watch.add(here, "rest:" + server.url(), {}));
    // It answers sooner than it may, and is asked no more often for that.
    auto last = Clock::now() - milliseconds(100);
    for (const std::vector<Id>& ids : std::vector<std::vector<Id>>{{one}, {one}, {one, two}, {two}}) {
        CHECK(must(next(watch).listing) == digest_of_listing(ids));
        CHECK(Clock::now() - last > milliseconds(80));
        last = Clock::now();
    }
    is_silent(watch, milliseconds(300));
    const std::vector<SeenRequest> seen = server.seen();
    REQUIRE(seen.size() == 5);
    CHECK(seen[0].path == "/snapshots/");
    CHECK(seen[0].head.find("If-None-Match") == std::string::npos);
    CHECK(seen[0].head.find("Prefer") == std::string::npos);
    for (size_t i = 1; i < seen.size(); ++i)
        CHECK(seen[i].head.find("Prefer: wait=50\r\n") != std::string::npos);
    CHECK(seen[2].head.find("If-None-Match: W/\"first\"\r\n") != std::string::npos);
    CHECK(seen[3].head.find("If-None-Match: \"second\"\r\n") != std::string::npos);
}

TEST_CASE("a server that does not know how to wait is asked every so often")
{
    WatchPace pace = quick();
    pace.every = milliseconds(400);
    const std::vector<std::string> mark = {"ETag: \"a\""};
    ScriptedServer server({lists({one}, mark), not_modified(mark), lists({one}, mark), lists({}),
                           lists({two}), answer("404 None")});
    SnapshotWatch watch(pace);
    must(watch.add(here, "rest:" + server.url(), {}));
    CHECK(must(next(watch).listing) == digest_of_listing({one}));
    CHECK(must(next(watch).listing) == digest_of_listing({one}));  // soon: it might have waited
    for (const std::vector<Id>& ids : std::vector<std::vector<Id>>{{one}, {}, {two}, {}}) {
        is_silent(watch, milliseconds(300));
        CHECK(must(next(watch).listing) == digest_of_listing(ids));
    }
    CHECK(server.seen().size() == 6);
}

TEST_CASE("a folder is listed every so often")
{
    const Scratch scratch;
    LocalBackend folder(scratch.path("repository"));
    must(folder.create());
    WatchPace pace = quick();
    pace.every = milliseconds(100);
    SnapshotWatch watch(pace);
    must(watch.add(here, scratch.path("repository"), {}));
    CHECK(must(next(watch).listing) == digest_of_listing({}));
    must(folder.save({FileKind::snapshot, one}, "text"));
    is_silent(watch, milliseconds(50));
    CHECK(must(next(watch).listing) == digest_of_listing({one}));
    std::filesystem::remove_all(scratch.path("repository"));
    scratch.write("repository", "no folder any more");
    CHECK_FALSE(next(watch).listing);
    CHECK_FALSE(watch.add(here, "s3:bucket", {}));
}

TEST_CASE("after an error it pauses longer and longer, and is itself again when the server is")
{
    std::vector<Script> scripts(5, answer("500 Out Of Order"));
    scripts.push_back(answer("401 Who Are You"));
    scripts.push_back(lists({one}));
    scripts.push_back(answer("500 Out Of Order"));
    ScriptedServer server(scripts, false);
    WatchPace pace = quick();
    pace.every = milliseconds(20);
    SnapshotWatch watch(pace);
    must(watch.add(here, "rest:" + server.url(), {}));
    milliseconds longest{0};
    const auto fails_with = [&](ErrorKind kind) {
        const Heard heard = next(watch);
        REQUIRE_FALSE(heard.listing);
        CHECK(heard.listing.error().kind == kind);
        CHECK(heard.again_in >= milliseconds(15));
        CHECK(heard.again_in <= milliseconds(100));
        longest = std::max(longest, heard.again_in);
        return heard.again_in;
    };
    CHECK(fails_with(ErrorKind::unavailable) <= milliseconds(25));
    server.listen();
    for (int i = 0; i < 5; ++i) fails_with(ErrorKind::unavailable);
    fails_with(ErrorKind::permission);
    CHECK(longest > milliseconds(50));
    CHECK(must(next(watch).listing) == digest_of_listing({one}));
    CHECK(fails_with(ErrorKind::unavailable) <= milliseconds(25));
}

TEST_CASE("who waits is woken by what else he waits for, and a place may go while it is asked")
{
    ScriptedServer server({hang(true), lists({one})});
    SnapshotWatch watch(quick());
    must(watch.add(here, "rest:" + server.url(), {}));
    is_silent(watch, milliseconds(100));
    const host::Descriptor event(::eventfd(1, EFD_CLOEXEC));
    const int others[] = {event.number()};
    const auto until = Clock::now() + seconds(20);
    CHECK(watch.wait(others, until).empty());
    CHECK(Clock::now() < until);
    watch.remove(here);
    is_silent(watch, milliseconds(50));
    must(watch.add(here, "rest:" + server.url(), {}));
    CHECK(must(next(watch).listing) == digest_of_listing({one}));
}

TEST_CASE("who did not listen for long asks anew, and takes nothing for a failure of the server")
{
    WatchPace pace = quick();
    pace.waits = seconds(-29);  // so that a question ends within a second
    pace.longest_absence = milliseconds(1000);
    ScriptedServer server({hang(true), lists({one})});
    SnapshotWatch watch(pace);
    must(watch.add(here, "rest:" + server.url(), {}));
    is_silent(watch, milliseconds(100));
    std::this_thread::sleep_for(milliseconds(1100));  // it is what is tested: nobody listens
    CHECK(must(next(watch).listing) == digest_of_listing({one}));
}

}  // namespace
}  // namespace belay::backup
