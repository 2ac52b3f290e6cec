// The book: one alarm once, whoever raises it, and whenever the power goes.

#include "framework/alarms/book.h"

#include "base/testing/must.h"
#include "framework/configuration/testing/sample.h"
#include "store/memory.h"

#include <doctest/doctest.h>

namespace belay::framework::alarms {
namespace {

using configuration::sample_site;
using configuration::site_of;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::seconds;

constexpr Milliseconds noon{1'700'000'000'000};

const std::string paged_site = sample_site + R"(
[script.page]
kind = "command"
command = ["/usr/local/bin/page"]

[script.start]
kind = "start"

[alarm.lost]
severity = "major"
description = "look at it"
detect = { event = "20-00010" }
reactions = ["page", "start"]
)";

store::BootClock still()
{
    return {.boot = "1", .now = [] { return Milliseconds{0}; }};
}

Verdict verdict(Verdict::What what, const std::string& host, uint64_t number, Milliseconds at = noon,
                uint64_t count = 1)
{
    return {.what = what,
            .key = {.condition = "lost", .host = host},
            .severity = Severity::major,
            .count = what == Verdict::What::cleared ? 0 : count,
            .first = at,
            .last = at,
            .number = number,
            .text = fmt::format("it is lost ({})", number)};
}

/// "1 lost h1 raised x1 page:waiting start:waiting".
std::string line_of(const Alarm& alarm)
{
    std::string line = fmt::format("{} {} {} {} x{}", alarm.number, alarm.key.condition, alarm.key.host,
                                   name_of(alarm.state), alarm.count);
    if (!alarm.silenced.empty()) line += " " + alarm.silenced;
    for (const Deed& deed : alarm.deeds) line += fmt::format(" {}:{}", deed.name, name_of(deed.stand));
    return line;
}

std::vector<std::string> lines_of(const std::vector<Alarm>& alarms)
{
    std::vector<std::string> lines;
    for (const Alarm& alarm : alarms) lines.push_back(line_of(alarm));
    return lines;
}

using Lines = std::vector<std::string>;
using What = Verdict::What;

struct Desk {
    store::MemoryStore store{still()};
    AlarmBook book{store};
    Circumstances circumstances = Circumstances::of(site_of(paged_site));

    size_t take(const std::vector<Verdict>& verdicts, const std::optional<HeardUntil>& until = {})
    {
        return must(book.take(verdicts, until, circumstances, noon));
    }
    uint64_t heard_until(const std::string& host) const
    {
        const auto until = must(book.heard_until(host));
        return until ? until->number : 0;
    }
};

TEST_CASE("an alarm is raised, counted and cleared, and comes back as another one")
{
    Desk desk;
    CHECK(desk.take({verdict(What::raised, "h1", 1)}) == 1);
    CHECK(lines_of(must(desk.book.open())) == Lines{"1 lost h1 raised x1 page:waiting start:waiting"});
    CHECK(must(desk.book.outbox()) == std::vector<uint64_t>{1});
    CHECK(desk.take({verdict(What::again, "h1", 5, noon + seconds(1), 4)}) == 0);
    CHECK(must(desk.book.show(1)).count == 5);
    CHECK(must(desk.book.show(1)).description == "look at it");
    CHECK(desk.take({verdict(What::cleared, "h1", 6, noon + seconds(2))}) == 1);
    CHECK(must(desk.book.open()).empty());
    CHECK(desk.take({verdict(What::raised, "h1", 7, noon + seconds(3))}) == 1);
    CHECK(lines_of(must(desk.book.newest(10))) == Lines{"1 lost h1 cleared x5 page:waiting start:waiting",
                                                        "2 lost h1 raised x1 page:waiting start:waiting"});
    CHECK(lines_of(must(desk.book.newest(1))).size() == 1);
    CHECK(desk.book.show(3).error().kind == ErrorKind::not_found);
    CHECK(desk.book.show(3).error().next == "belay alarms --all");
}

TEST_CASE("raised and cleared in one go: both are kept")
{
    Desk desk;
    CHECK(desk.take({verdict(What::raised, "h1", 1, noon, 1000), verdict(What::cleared, "h1", 1)},
                    HeardUntil{.host = "h1", .number = 2}) == 2);
    CHECK(lines_of(must(desk.book.newest(10))) ==
          Lines{"1 lost h1 cleared x1000 page:waiting start:waiting"});
    CHECK(desk.heard_until("h1") == 2);
    CHECK(desk.heard_until("h2") == 0);
}

TEST_CASE("the same told twice changes nothing: by the number of its message, or by its time")
{
    for (const uint64_t numbered_from : {uint64_t{0}, uint64_t{10}}) {
        Desk desk;
        const uint64_t one = numbered_from == 0 ? 0 : 11, two = numbered_from == 0 ? 0 : 12;
        const std::vector<Verdict> first = {verdict(What::raised, "h1", one)};
        const std::vector<Verdict> second = {verdict(What::again, "h1", two, noon + seconds(1), 3),
                                             verdict(What::cleared, "h1", two, noon + seconds(2))};
        for (int i = 0; i < 2; ++i) {
            desk.take(first);
            CHECK(lines_of(must(desk.book.newest(10))) ==
                  Lines{"1 lost h1 raised x1 page:waiting start:waiting"});
        }
        for (int i = 0; i < 2; ++i) {
            desk.take(second);
            CHECK(lines_of(must(desk.book.newest(10))) ==
                  Lines{"1 lost h1 cleared x4 page:waiting start:waiting"});
        }
        desk.take(first);
        CHECK(must(desk.book.newest(10)).size() == 1);
    }
}

TEST_CASE("two controllers that hear the same raise one alarm, with one place in the outbox")
{
    Desk desk;
    AlarmBook other(desk.store);
    desk.take({verdict(What::raised, "h1", 1), verdict(What::raised, "h2", 2)});
    CHECK(must(other.take({verdict(What::raised, "h2", 2), verdict(What::raised, "h1", 1)}, {},
                          desk.circumstances, noon)) == 0);
    CHECK(must(other.outbox()).size() == 2);
}

TEST_CASE("somebody acknowledges it: by whom, when and why is kept, and the first one stays")
{
    Desk desk;
    desk.take({verdict(What::raised, "h1", 1)});
    CHECK(must(desk.book.acknowledge(1, "anna", "on my way", noon)).state == State::acknowledged);
    CHECK(must(desk.book.acknowledge(1, "bob", "", noon)).acknowledged->by == "anna");
    CHECK(must(desk.book.show(1)).acknowledged->note == "on my way");
    CHECK(desk.book.acknowledge(1, "anna", std::string(1001, 'x'), noon).error().kind == ErrorKind::usage);
    desk.take({verdict(What::cleared, "h1", 2)});
    CHECK(desk.book.acknowledge(1, "anna", "", noon).error().kind == ErrorKind::refused);
    CHECK(desk.book.acknowledge(9, "anna", "", noon).error().kind == ErrorKind::not_found);
}

TEST_CASE("what is muted or on a host in maintenance is kept and nothing is done, until that ends")
{
    Desk desk;
    must(desk.book.mute({.condition = "lost", .until = noon + hours(1), .by = "anna", .at = noon}));
    desk.take({verdict(What::raised, "h1", 1)});
    CHECK(lines_of(must(desk.book.open())) == Lines{"1 lost h1 raised x1 muted"});
    CHECK(must(desk.book.outbox()).empty());
    CHECK(must(desk.book.attend(desk.circumstances, noon + seconds(1))) == 0);
    CHECK(must(desk.book.mutes(noon)).size() == 1);
    CHECK(must(desk.book.mutes(noon + hours(1))).empty());
    CHECK(must(desk.book.attend(desk.circumstances, noon + hours(1))) == 1);
    CHECK(must(desk.book.attend(desk.circumstances, noon + hours(1))) == 0);
    CHECK(lines_of(must(desk.book.open())) == Lines{"1 lost h1 raised x1 page:waiting start:waiting"});

    // Taken back before its time.
    must(desk.book.mute({.condition = "lost", .until = noon, .by = "anna", .at = noon}));
    CHECK(must(desk.book.mutes(noon)).empty());

    desk.circumstances.in_maintenance = {"h2"};
    desk.take(
        {verdict(What::raised, "h2", 2), verdict(What::raised, "h3", 3), verdict(What::raised, "h4", 4)});
    CHECK(must(desk.book.show(2)).silenced == "maintenance");
    CHECK(must(desk.book.show(3)).silenced.empty());
    desk.circumstances.in_maintenance.clear();
    // What has ended meanwhile is nobody's business any more.
    desk.take({verdict(What::cleared, "h2", 5)});
    CHECK(must(desk.book.attend(desk.circumstances, noon)) == 0);
}

TEST_CASE("a disabled condition is muted for good")
{
    Desk desk;
    desk.circumstances = Circumstances::of(site_of(paged_site + "disabled = true\n"));
    desk.take({verdict(What::raised, "h1", 1)});
    CHECK(lines_of(must(desk.book.open())) == Lines{"1 lost h1 raised x1 muted"});
}

TEST_CASE("hundreds of alarms at once are written in pieces, and none beyond the limit")
{
    Desk desk;
    std::vector<Verdict> verdicts;
    for (size_t i = 1; i <= AlarmBook::most_open + 100; ++i)
        verdicts.push_back(verdict(What::raised, fmt::format("h{}", i), i));
    CHECK(desk.take(verdicts, HeardUntil{.host = "h1", .number = 77}) == AlarmBook::most_open);
    CHECK(must(desk.book.open()).size() == AlarmBook::most_open);
    CHECK(desk.heard_until("h1") == 77);
}

TEST_CASE("the power goes at any write: no alarm is lost and none is there twice")
{
    std::vector<Verdict> first, second;
    for (uint64_t i = 1; i <= 60; ++i) {
        first.push_back(verdict(What::raised, fmt::format("h{}", i), i));
        second.push_back(i % 2 == 0
                             ? verdict(What::again, fmt::format("h{}", i), i + 60, noon + seconds(1), 2)
                             : verdict(What::cleared, fmt::format("h{}", i), i + 60, noon + seconds(1)));
    }
    const auto play = [&](Desk& desk, const std::vector<Verdict>& verdicts, uint64_t position) {
        while (
            !desk.book.take(verdicts, HeardUntil{.host = "h1", .number = position}, desk.circumstances, noon))
            desk.store.revive();
    };
    const auto end = [&](Desk& desk) {
        return std::pair(lines_of(must(desk.book.newest(1000))), must(desk.book.outbox()));
    };
    Desk calm;
    play(calm, first, 60);
    play(calm, second, 120);
    int writes = 0;
    for (const auto fault : {store::MemoryStore::Fault::lost_before, store::MemoryStore::Fault::lost_after}) {
        for (int at = 0;; ++at) {
            Desk desk;
            writes = 0;
            bool struck = false;
            desk.store.set_fault_hook([&](const store::Transaction&) {
                const bool now = writes++ == at && !struck;
                struck = struck || now;
                return now ? fault : store::MemoryStore::Fault::none;
            });
            play(desk, first, 60);
            play(desk, second, 120);
            CHECK(end(desk) == end(calm));
            if (!struck) break;
        }
    }
    CHECK(writes > 5);
}

TEST_CASE("what ended long ago, and what is too much, is let go; what is open stays")
{
    Desk desk;
    desk.take({verdict(What::raised, "old", 1)});
    for (uint64_t i = 2; i < 60; ++i) {
        desk.take({verdict(What::raised, "h1", 2 * i, noon + seconds(i)),
                   verdict(What::cleared, "h1", 2 * i, noon + seconds(i))});
        must(desk.book.change(i, [](Alarm& alarm) -> Result<bool> {
            alarm.deeds.clear();
            return true;
        }));
    }
    CHECK(must(desk.book.expire(noon + seconds(100))) == 0);
    CHECK(must(desk.book.expire(noon + days(400) + seconds(30))) == 29);
    CHECK(must(desk.book.newest(1000)).size() == 30);
    CHECK(must(desk.book.expire(noon + days(500))) == 29);
    CHECK(lines_of(must(desk.book.newest(1000))) == Lines{"1 lost old raised x1 page:waiting start:waiting"});
    // Its number is not given again.
    desk.take({verdict(What::raised, "h1", 1000)});
    CHECK(must(desk.book.newest(1000)).back().number == 60);
}

TEST_CASE("an alarm reads back as it was written, and damage is said")
{
    Alarm alarm{.number = 7,
                .key = {.condition = "c", .host = "h", .application = "a", .object = "o"},
                .severity = Severity::critical,
                .state = State::acknowledged,
                .count = 3,
                .first = noon,
                .last = noon + seconds(1),
                .through = 9,
                .text = "text",
                .description = "look",
                .silenced = "muted",
                .acknowledged = Alarm::Acknowledgement{.by = "anna", .note = "n", .at = noon},
                .ended = noon,
                .why_ended = "why",
                .deeds = {{.stand = Deed::Stand::doing,
                           .script = 4,
                           .name = "s",
                           .kind = "mail",
                           .attempts = 2,
                           .at = noon,
                           .next = noon,
                           .by = "c1",
                           .what = "w"}}};
    Json json = alarm;
    CHECK(must(alarm_from(json)) == alarm);
    for (const char* damaged :
         {"{}", "[]", "7", R"({"number": "x"})",
          R"({"number": 1, "alarm": "a", "severity": "major", "state": "gone"})",
          R"({"number": 1, "alarm": "a", "severity": "major", "state": "raised", "reactions": [7]})",
          R"({"number": 1, "alarm": "a", "severity": 7, "state": "raised"})"}) {
        INFO(damaged);
        CHECK(alarm_from(must(parse_json(damaged))).error().kind != ErrorKind::usage);
    }
}

}  // namespace
}  // namespace belay::framework::alarms
