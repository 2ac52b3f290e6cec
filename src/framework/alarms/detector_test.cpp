// What begins and ends an alarm, told to the detector event by event.

#include "framework/alarms/detector.h"

#include "framework/alarms/predefined.h"
#include "framework/configuration/testing/sample.h"

#include <cmath>
#include <doctest/doctest.h>

namespace belay::framework::alarms {
namespace {

using configuration::Configuration;
using configuration::sample_site;
using configuration::site_of;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr messages::EventId tick{20, 10}, tock{20, 11};
constexpr Milliseconds begin{1'700'000'000'000};

messages::Message said(messages::EventId id, std::string application = "stat server", std::string host = "h1")
{
    return {.id = id, .host = std::move(host), .application = std::move(application), .text = "it happened"};
}

Condition by_event(EventCount wanted)
{
    return {.name = "c", .severity = Severity::major, .detect = wanted};
}

/// "raised c h1/stat server x1; cleared ...".
std::string told(const std::vector<Verdict>& verdicts)
{
    std::vector<std::string> all;
    for (const Verdict& verdict : verdicts) {
        const char* const what = verdict.what == Verdict::What::raised  ? "raised"
                                 : verdict.what == Verdict::What::again ? "again"
                                                                        : "cleared";
        all.push_back(fmt::format("{} {} {}/{}/{} x{}", what, verdict.key.condition, verdict.key.host,
                                  verdict.key.application, verdict.key.object, verdict.count));
    }
    return fmt::format("{}", fmt::join(all, "; "));
}

struct Bench {
    Detector detector;
    Milliseconds now = begin;

    explicit Bench(Condition condition) { detector.configured({std::move(condition)}, now); }
    explicit Bench(const std::string& toml)
    {
        std::vector<Condition> conditions = conditions_of(site_of(sample_site + toml));
        std::erase_if(conditions, [](const Condition& one) { return one.is_predefined; });
        detector.configured(std::move(conditions), now);
    }
    std::string after(Milliseconds span)
    {
        now += span;
        return told(detector.take(now));
    }
    void say(const messages::Message& message) { detector.message(message, 0, now); }
};

TEST_CASE("an event raises an alarm once, and counts from then on")
{
    Bench bench(by_event({.id = tick}));
    CHECK(bench.after(seconds(1)).empty());
    bench.say(said(tick));
    CHECK(bench.after(seconds(0)) == "raised c h1/stat server/ x1");
    CHECK(bench.after(seconds(0)).empty());
    bench.say(said(tick));
    bench.say(said(tick));
    CHECK(bench.after(seconds(0)).empty());
    CHECK(bench.after(seconds(1)) == "again c h1/stat server/ x2");
}

TEST_CASE("ten thousand events in a second are one alarm with a count")
{
    Bench bench(by_event({.id = tick}));
    uint64_t count = 0, verdicts = 0, alarms = 0;
    for (int i = 0; i < 10'000; ++i) {
        bench.say(said(tick));
        bench.now += Milliseconds(i % 10 == 0 ? 1 : 0);
        for (const Verdict& verdict : bench.detector.take(bench.now)) {
            count += verdict.count;
            ++verdicts;
            alarms += verdict.what == Verdict::What::raised ? 1 : 0;
        }
    }
    bench.now += seconds(1);
    for (const Verdict& verdict : bench.detector.take(bench.now)) count += verdict.count;
    CHECK(count == 10'000);
    CHECK(alarms == 1);
    CHECK(verdicts <= 3);
    CHECK(bench.detector.kept() < 10);
}

TEST_CASE("so many within a span raise it, fewer do not, and each application counts by itself")
{
    Bench bench(by_event({.id = tick, .count = 3, .within = seconds(10)}));
    for (int i = 0; i < 5; ++i) {
        bench.say(said(tick));
        CHECK(bench.after(seconds(6)).empty());
    }
    bench.say(said(tick));
    bench.say(said(tick, "another"));
    CHECK(bench.after(seconds(0)).empty());
    bench.say(said(tick));
    CHECK(bench.after(seconds(0)) == "raised c h1/stat server/ x1");
}

TEST_CASE("a window of a million events keeps no million entries")
{
    Bench bench(by_event({.id = tick, .count = 100'000, .within = seconds(64)}));
    for (int i = 0; i < 99'999; ++i) {
        bench.now = begin + Milliseconds(i / 2);
        bench.say(said(tick));
        if (i % 1000 == 0) CHECK(told(bench.detector.take(bench.now)).empty());
        if (i % 1000 == 0) CHECK(bench.detector.kept() < 70);
    }
    CHECK(bench.after(seconds(0)).empty());
    bench.say(said(tick));
    CHECK(bench.after(seconds(0)).starts_with("raised"));
}

TEST_CASE("applications without end are one alarm without a name, once there are too many")
{
    Bench bench(by_event({.id = tick, .count = 2, .within = hours(1)}));
    for (int i = 0; i < 20'000; ++i) bench.say(said(tick, fmt::format("application {}", i)));
    CHECK(bench.after(seconds(0)) == "raised c // x18999");
    CHECK(bench.detector.kept() < 3 * Detector::most_subjects);
    // Their windows end, and with them what is kept.
    CHECK(bench.after(hours(2)).empty());
    CHECK(bench.detector.kept() < 10);
}

TEST_CASE("another event of the same application clears it, or the time does")
{
    Condition condition = by_event({.id = tick});
    condition.clear_event = tock;
    condition.clear_after = hours(2);
    Bench bench(condition);
    bench.say(said(tick));
    bench.say(said(tick, "other"));
    CHECK(bench.after(seconds(0)) == "raised c h1/other/ x1; raised c h1/stat server/ x1");
    bench.say(said(tock));
    CHECK(bench.after(seconds(0)) == "cleared c h1/stat server/ x0");
    bench.say(said(tock));
    CHECK(bench.after(seconds(0)).empty());
    CHECK(bench.detector.next() == std::optional(begin + hours(2)));
    CHECK(bench.after(hours(2) - Milliseconds(1)).empty());
    CHECK(bench.after(Milliseconds(1)) == "cleared c h1/other/ x0");
    CHECK_FALSE(bench.detector.next());
}

TEST_CASE("what flaps before anybody was told is one alarm with a count")
{
    Condition condition = by_event({.id = tick});
    condition.clear_event = tock;
    Bench bench(condition);
    for (int i = 0; i < 1000; ++i) {
        bench.say(said(tick));
        bench.say(said(tock));
    }
    CHECK(bench.after(seconds(0)) == "raised c h1/stat server/ x1000; cleared c h1/stat server/ x0");
}

TEST_CASE(
    "a heartbeat that is missing raises it for each application that is named, and clears when it comes")
{
    Bench bench(R"(
[alarm.heartbeat]
severity = "critical"
detect = { event = "20-00010", missing_for = "90s", templates = ["stat"] }
)");
    CHECK(bench.detector.next() == std::optional(begin + seconds(90)));
    CHECK(bench.after(seconds(60)).empty());
    bench.say(said(tick));
    CHECK(bench.after(seconds(30)) == "raised heartbeat /stat server b/ x1");
    CHECK(bench.after(seconds(60)) == "raised heartbeat /stat server/ x1");
    bench.say(said(tick, "config server"));
    CHECK(bench.after(seconds(0)).empty());
    bench.say(said(tick, "stat server b", "h2"));
    CHECK(bench.after(seconds(0)) == "cleared heartbeat /stat server b/ x0");
    // It is missing for days, and stays raised.
    CHECK(bench.after(seconds(91)) == "raised heartbeat /stat server b/ x1");
    for (int hour = 0; hour < 60; ++hour) CHECK(bench.after(hours(1)).empty());
}

TEST_CASE("only of the hosts, applications and templates that are named")
{
    Bench bench(R"(
[alarm.some]
severity = "minor"
detect = { event = "20-00010", hosts = ["h2"], applications = ["config server"], templates = ["stat"] }
)");
    bench.say(said(tick, "stat server", "h1"));
    bench.say(said(tick, "another", "h2"));
    CHECK(bench.after(seconds(0)).empty());
    bench.say(said(tick, "stat server", "h2"));
    bench.say(said(tick, "config server", "h2"));
    CHECK(bench.after(seconds(0)) == "raised some h2/config server/ x1; raised some h2/stat server/ x1");
}

TEST_CASE("a figure is raised at one threshold and cleared at another, and counts once")
{
    Bench bench(R"(
[alarm.full]
severity = "major"
detect = { figure = "disk", rising = 90, falling = 80 }
)");
    const auto disk = [&](double percent) {
        bench.detector.figure("h1", "disk", "/srv", percent, bench.now);
        return bench.after(minutes(1));
    };
    CHECK(disk(89.9).empty());
    CHECK(disk(90) == "raised full h1///srv x1");
    CHECK(disk(99).empty());
    CHECK(disk(85).empty());
    CHECK(disk(std::nan("")).empty());
    CHECK(disk(80).starts_with("cleared full"));
    CHECK(disk(85).empty());
    bench.detector.figure("h1", "memory", "", 99, bench.now);
    CHECK(bench.after(seconds(0)).empty());
}

TEST_CASE("the thresholds of a host raise a predefined alarm of that host alone")
{
    const Configuration site = site_of(sample_site + R"(
[host.h3]
address = "10.0.0.3"
thresholds = { memory = 90 }
)");
    Detector detector;
    detector.configured(conditions_of(site), begin);
    detector.figure("h1", "memory", "", 95, begin);
    detector.figure("h3", "memory", "", 95, begin);
    CHECK(told(detector.take(begin)) == "raised host-memory h3// x1");
    detector.figure("h3", "memory", "", 86, begin);
    CHECK(told(detector.take(begin)).empty());
    detector.figure("h3", "memory", "", 85, begin);
    CHECK(told(detector.take(begin)) == "cleared host-memory h3// x0");
}

TEST_CASE("a finding of storage health raises one alarm for each object, and clears when it is found no more")
{
    Bench bench(R"(
[alarm.arrays]
severity = "critical"
detect = { storage = "md.*" }
)");
    const Finding one{.code = "md.degraded", .object = "md0", .text = "one of two"};
    const Finding other{.code = "smart.failed", .object = "sda", .text = "it fails", .is_critical = true};
    bench.detector.findings("h1", {one, other}, bench.now);
    bench.detector.findings("h2", {one}, bench.now);
    CHECK(bench.after(seconds(0)) ==
          "raised arrays h1//md.degraded md0 x1; raised arrays h2//md.degraded md0 x1");
    bench.detector.findings("h1", {one}, bench.now);
    CHECK(bench.after(minutes(1)).empty());
    bench.detector.findings("h1", {}, bench.now);
    CHECK(bench.after(seconds(0)) == "cleared arrays h1//md.degraded md0 x0");

    Detector predefined;
    predefined.configured(predefined_conditions(), begin);
    predefined.findings("h1", {one, other}, begin);
    CHECK(told(predefined.take(begin)) == "raised storage-unhealthy h1//smart.failed sda x1");
}

TEST_CASE("an SNMP variable is raised and cleared by its thresholds, negative ones too")
{
    Bench bench(R"(
[snmp.switches]
version = "2c"
community = "public"

[alarm.cold]
severity = "minor"
detect = { variable = "1.3.6.1.4.1.9.9.13.1.3.1.3.1", at = "192.0.2.9:161", account = "switches", rising = -5, falling = -10 }
)");
    bench.detector.variable("cold", -20, bench.now);
    CHECK(bench.after(seconds(0)).empty());
    bench.detector.variable("cold", -5, bench.now);
    CHECK(bench.after(seconds(0)) == "raised cold //192.0.2.9:161 1.3.6.1.4.1.9.9.13.1.3.1.3.1 x1");
    bench.detector.variable("cold", -7, bench.now);
    bench.detector.variable("another", 7, bench.now);
    CHECK(bench.after(seconds(0)).empty());
    bench.detector.variable("cold", -10, bench.now);
    CHECK(bench.after(seconds(0)).starts_with("cleared cold"));
}

TEST_CASE("what the book knows is not raised again, and ends as if it had been raised here")
{
    Condition condition = by_event({.id = tick});
    condition.clear_event = tock;
    Bench bench(condition);
    bench.detector.know({.condition = "c", .host = "h1", .application = "stat server"}, begin - hours(1), 7,
                        begin);
    bench.detector.know({.condition = "gone", .host = "h1"}, begin - hours(1), 8, begin);
    CHECK(bench.after(seconds(0)) == "cleared gone h1// x0");
    bench.say(said(tick));
    CHECK(bench.after(seconds(0)) == "again c h1/stat server/ x1");
    bench.say(said(tock));
    CHECK(bench.after(seconds(0)) == "cleared c h1/stat server/ x0");
}

TEST_CASE("messages from before a start count in the window, and raise nothing by themselves")
{
    Bench bench(by_event({.id = tick, .count = 3, .within = seconds(60)}));
    CHECK(bench.detector.longest_memory() == seconds(60));
    bench.detector.recall(said(tick), begin - seconds(20));
    bench.detector.recall(said(tick), begin - seconds(10));
    CHECK(bench.after(seconds(0)).empty());
    bench.say(said(tick));
    CHECK(bench.after(seconds(0)) == "raised c h1/stat server/ x1");
}

TEST_CASE("a condition that changes or goes clears its alarms, and the others stay as they were")
{
    Condition one = by_event({.id = tick}), two = by_event({.id = tick, .count = 2, .within = hours(1)});
    two.name = "d";
    Detector detector;
    detector.configured({one, two}, begin);
    detector.message(said(tick), 0, begin);
    CHECK(told(detector.take(begin)) == "raised c h1/stat server/ x1");
    one.severity = Severity::critical;
    detector.configured({one, two}, begin);
    CHECK(told(detector.take(begin)).empty());
    detector.configured({two}, begin);
    CHECK(told(detector.take(begin)) == "cleared c h1/stat server/ x0");
    detector.message(said(tick), 0, begin);
    CHECK(told(detector.take(begin)) == "raised d h1/stat server/ x1");
    std::get<EventCount>(two.detect).count = 3;
    detector.configured({two}, begin);
    CHECK(told(detector.take(begin)) == "cleared d h1/stat server/ x0");
}

TEST_CASE("a text of a mebibyte is kept as far as a person reads it")
{
    Bench bench(by_event({.id = tick}));
    messages::Message message = said(tick);
    message.text = "x" + std::string(1 << 20, '\xc3');
    bench.say(message);
    const std::vector<Verdict> verdicts = bench.detector.take(bench.now);
    REQUIRE(verdicts.size() == 1);
    CHECK(verdicts.front().text.size() <= Detector::most_text);
}

}  // namespace
}  // namespace belay::framework::alarms
