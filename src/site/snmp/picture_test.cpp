#include "site/snmp/picture.h"

#include "base/testing/must.h"
#include "site/snmp/mib.h"

#include <doctest/doctest.h>
#include <map>

namespace belay::site::snmp {
namespace {

const Oid arc = {1, 3, 6, 1, 4, 1, 32473, 1};

Oid below(const Oid& start, const Oid& more)
{
    Oid oid = start;
    oid.insert(oid.end(), more.begin(), more.end());
    return oid;
}

/// A cell of a table, by the bytes of its row's name.
Oid cell(unsigned long table, unsigned long column, const std::string& name)
{
    Oid oid = below(arc, {mib::objects, table, 1, column});
    for (const char one : name) oid.push_back(static_cast<unsigned char>(one));
    return oid;
}

Oid scalar(unsigned long number)
{
    return below(arc, {mib::objects, mib::daemon, number, 0});
}

const Variable& variable(const Picture& picture, const Oid& oid)
{
    const Variable* const found = picture.find(oid);
    REQUIRE(found != nullptr);
    return *found;
}

Json application_told(const std::string& name, const std::string& phase)
{
    return {{"name", name},        {"host", "alpha"},  {"phase", phase},
            {"wanted", "running"}, {"since_ms", 2000}, {"restarts", 3}};
}

Json told_status()
{
    return {
        {"host", "alpha"},
        {"version", "0.1.0"},
        {"started_ms", 1'764'233'912'500},
        {"maintenance", false},
        {"configuration", {{"version", 12}}},
        {"place", {{"role", "alone"}}},
        {"load",
         {{"processor", {{"count", 4}, {"user", 25.4}, {"system", 5.0}}},
          {"memory", {{"total", 1ULL << 30U}, {"available", 512 << 20}}}}},
        {"operations",
         {{"unfinished", Json::array({{{"id", "12"}, {"procedure", "disk.replace"}, {"state", "held"}},
                                      {{"id", "7"},
                                       {"procedure", "pair.upgrade"},
                                       {"title", "Upgrade shop"},
                                       {"state", "activated"},
                                       {"timer", {{"left_ms", 90'400}}}}})}}},
        {"applications",
         Json::array({application_told("web", "started"), application_told("shop one", "failed")})},
        {"solutions",
         Json::array({{{"name", "all"},
                       {"stands", "impaired"},
                       {"applications", Json::array({{{"phase", "started"}}, {{"phase", "failed"}}})}}})},
    };
}

TEST_CASE("a daemon that does not answer: only that, and who says so")
{
    const Picture picture = picture_of({}, arc);
    CHECK(picture.size() == 2);
    CHECK(variable(picture, scalar(mib::connected)).number == 2);
    CHECK(variable(picture, scalar(mib::agent_version)).text == BELAY_VERSION);
}

TEST_CASE("a machine alone: itself, its applications, solutions and operations")
{
    const Picture picture = picture_of({.status = told_status()}, arc);
    CHECK(variable(picture, scalar(mib::connected)).number == 1);
    CHECK(variable(picture, scalar(mib::daemon_started)).text ==
          std::string("\x07\xe9\x0b\x1b\x08\x3a\x20\x05+\0\0", 11));
    CHECK(variable(picture, cell(mib::hosts, mib::host_presence, "alpha")).number == 5);
    CHECK(variable(picture, cell(mib::hosts, mib::host_processor_busy, "alpha")).number == 30);
    CHECK(variable(picture, cell(mib::hosts, mib::host_memory_total, "alpha")).number == 1024);
    CHECK(variable(picture, cell(mib::applications, mib::application_phase, "web")).number == 4);
    CHECK(variable(picture, cell(mib::applications, mib::application_phase, "shop one")).number == 9);
    CHECK(variable(picture, cell(mib::applications, mib::application_restarts, "web")).number == 3);
    const Variable& want = variable(picture, cell(mib::applications, mib::application_want, "shop one"));
    CHECK(want.number == 1);
    CHECK(want.application == "shop one");
    CHECK(variable(picture, cell(mib::solutions, mib::solution_state, "all")).number == 5);
    CHECK(variable(picture, cell(mib::solutions, mib::solution_started, "all")).number == 1);
    CHECK(variable(picture, cell(mib::operations, mib::operation_deadline,
                                 "\x01"
                                 "7"))
              .number == 90);
    CHECK(variable(picture, cell(mib::operations, mib::operation_deadline,
                                 "\x02"
                                 "12"))
              .number == -1);
}

TEST_CASE("a controller has its hosts, and itself once")
{
    Json status = told_status();
    const Json away = {{"name", "beta"},
                       {"role", "agent"},
                       {"maintenance", true},
                       {"load", nullptr},
                       {"presence", {{"state", "gone"}, {"since_ms", 5000}, {"version", ""}}}};
    status["place"] = {{"role", "controller"},
                       {"link", nullptr},
                       {"controller", {{"leads", true}, {"hosts", Json::array({away})}}}};
    const Picture picture = picture_of({.status = status}, arc);
    CHECK(variable(picture, cell(mib::hosts, mib::host_presence, "beta")).number == 3);
    CHECK(variable(picture, cell(mib::hosts, mib::host_maintenance, "beta")).number == 1);
    CHECK(picture.find(cell(mib::hosts, mib::host_processors, "beta")) == nullptr);
    CHECK(variable(picture, cell(mib::hosts, mib::host_presence, "alpha")).number == 5);
}

TEST_CASE("alarms, by their numbers")
{
    const Json alarm = {{"number", 12},     {"alarm", "host-disk"},    {"severity", "minor"},
                        {"host", "alpha"},  {"state", "acknowledged"}, {"count", 1e12},
                        {"first_ms", 1000}, {"text", "full"}};
    Json nameless = alarm;
    nameless["number"] = 0;
    const Picture picture =
        picture_of({.status = told_status(), .alarms = {{"alarms", Json::array({alarm, nameless})}}}, arc);
    const auto column = [](unsigned long number) { return cell(mib::alarms, number, "\x0c"); };
    CHECK(variable(picture, column(mib::alarm_severity)).number == 3);
    CHECK(variable(picture, column(mib::alarm_acknowledged)).number == 1);
    CHECK(variable(picture, column(mib::alarm_count)).number == 4294967295);
    CHECK(picture.find(cell(mib::alarms, mib::alarm_text, std::string(1, '\0'))) == nullptr);
}

TEST_CASE("a walk sees everything once, in order, and goes forward while pictures change under it")
{
    const Picture one = picture_of({.status = told_status()}, arc);
    Json changed = told_status();
    changed["applications"] = Json::array({application_told("web 2", "started")});
    changed["solutions"] = Json::array();
    const Picture other = picture_of({.status = changed}, arc);
    size_t seen = 0;
    for (const Variable* at = one.next(Oid{}); at != nullptr; at = one.next(at->oid)) {
        CHECK(one.find(at->oid) == at);
        CHECK(one.next(at->oid, true) == at);
        ++seen;
    }
    CHECK(seen == one.size());
    Oid at;
    size_t steps = 0;
    for (; steps < 1000; ++steps) {
        const Variable* const next = (steps % 2 == 0 ? one : other).next(at);
        if (next == nullptr) break;
        REQUIRE(at < next->oid);
        at = next->oid;
    }
    CHECK(steps <= one.size() + other.size());
}

TEST_CASE("what is too long is cut where a character ends, and what then has the same name is there once")
{
    CHECK(cut("abc", 3) == "abc");
    CHECK(cut("ab\xc3\xa9", 3) == "ab");
    CHECK(cut("\xf0\x9f\x98\x80x", 3).empty());
    CHECK(cut(std::string(300, '\x80'), 255).size() > 250);
    Json status = told_status();
    const std::string name(150, 'n');
    status["applications"] =
        Json::array({application_told(name + "1", "started"), application_told(name + "2", "failed")});
    const Picture picture = picture_of({.status = status}, arc);
    const std::string row = std::string(mib::most_name_bytes, 'n');
    CHECK(variable(picture, cell(mib::applications, mib::application_phase, row)).number == 4);
    CHECK(variable(picture, cell(mib::applications, mib::application_want, row)).application == name + "1");
    for (const Variable* at = picture.next(Oid{}); at != nullptr; at = picture.next(at->oid))
        CHECK(at->oid.size() <= most_sub_identifiers);
}

TEST_CASE("whatever a daemon of another version tells, the rest is there")
{
    for (const char* const field :
         {"place", "load", "operations", "applications", "solutions", "started_ms"}) {
        for (const Json& wrong : {Json(), Json(7), Json("text"), Json::array({7, "x", nullptr}),
                                  Json::object({{"name", 7}, {"hosts", 7}, {"unfinished", "x"}})}) {
            Json status = told_status();
            status[field] = wrong;
            const Picture picture = picture_of({.status = status, .alarms = wrong}, arc);
            CHECK(variable(picture, scalar(mib::connected)).number == 1);
        }
    }
    Json status = told_status();
    status["started_ms"] = -1e300;
    status["configuration"]["version"] = 1e300;
    status["operations"]["unfinished"][1]["timer"]["left_ms"] = 1e300;
    const Picture picture = picture_of({.status = status}, arc);
    CHECK(picture.find(scalar(mib::daemon_started)) == nullptr);
    CHECK(variable(picture, scalar(mib::configuration_version)).number == 4294967295);
    CHECK(variable(picture, cell(mib::operations, mib::operation_deadline,
                                 "\x01"
                                 "7"))
              .number == 2147483647);
}

TEST_CASE("an arc is below internet, and long enough to cover nobody else's")
{
    CHECK(must(arc_of("1.3.6.1.4.1.32473.1")) == arc);
    CHECK(must(arc_of(".1.3.6.1.4.1.32473.1")) == arc);
    for (const char* const wrong : {"", ".", "1", "1.3.6.1.4.1", "1.3.6.2.4.1.7.1", "1.3.6.1.4.1.7.",
                                    "1.3.6.1.4.1..7", "1.3.6.1.4.1.-7", "1.3.6.1.4.1.4294967296",
                                    "1.3.6.1.4.1.x", "1.3.6.1.4.1.7.1.1.1.1.1.1.1.1.1.1.1.1.1.1"}) {
        const Result<Oid> no = arc_of(wrong);
        REQUIRE_FALSE(no);
        CHECK(no.error().kind == ErrorKind::usage);
    }
}

}  // namespace
}  // namespace belay::site::snmp
