#include "site/snmp/changes.h"

#include "site/snmp/mib.h"

#include <doctest/doctest.h>

namespace belay::site::snmp {
namespace {

const Oid own_arc = {1, 3, 6, 1, 4, 1, 32473, 1};

Json alarm_of(int number, const std::string& text)
{
    return {{"number", number}, {"alarm", "host-disk"}, {"severity", "minor"}, {"state", "raised"},
            {"host", "alpha"},  {"count", 1},           {"text", text}};
}

Json application_of(const std::string& phase, int restarts = 0)
{
    return Json::array({{{"name", "web"}, {"host", "alpha"}, {"phase", phase}, {"restarts", restarts}}});
}

std::vector<unsigned long> numbers(const std::vector<Notification>& notifications)
{
    std::vector<unsigned long> all;
    for (const Notification& one : notifications) all.push_back(one.number);
    return all;
}

using Numbers = std::vector<unsigned long>;

TEST_CASE("alarms: what was there before is not notified; what comes and goes is, also while belayd was away")
{
    Changes changes(own_arc);
    CHECK(changes.of_alarms(Json()).empty());
    CHECK(changes.of_alarms(Json::array({alarm_of(1, "old")})).empty());
    const auto raised = changes.of_alarms(Json::array({alarm_of(1, "old"), alarm_of(2, "full")}));
    REQUIRE(numbers(raised) == Numbers{mib::alarm_raised});
    // As BELAY-MIB's OBJECTS; the application is empty, and there all the same.
    REQUIRE(raised[0].variables.size() == 7);
    CHECK(raised[0].variables[0].text == "host-disk");
    CHECK(raised[0].variables[6].text == "full");
    CHECK(raised[0].variables[6].oid.back() == 2);
    CHECK(changes.of_alarms(Json::array({alarm_of(1, "old"), alarm_of(2, "fuller")})).empty());
    CHECK(changes.of_alarms(Json()).empty());
    const auto after = changes.of_alarms(Json::array({alarm_of(1, "old"), alarm_of(3, "new")}));
    REQUIRE(numbers(after) == Numbers{mib::alarm_cleared, mib::alarm_raised});
    CHECK(after[0].variables[6].text == "fuller");
}

TEST_CASE("applications: up and down by their phases, and both where one was started anew unseen")
{
    Changes changes(own_arc);
    CHECK(changes.of_applications(application_of("started")).empty());
    CHECK(changes.of_applications(application_of("stopping")).empty());
    const auto down = changes.of_applications(application_of("stopped"));
    REQUIRE(numbers(down) == Numbers{mib::application_down});
    REQUIRE(down[0].variables.size() == 4);
    CHECK(down[0].variables[0].text == "web");
    CHECK(down[0].variables[1].text == "alpha");
    CHECK(down[0].variables[2].number == 1);
    CHECK(changes.of_applications(application_of("starting")).empty());
    CHECK(numbers(changes.of_applications(application_of("started"))) == Numbers{mib::application_up});
    CHECK(numbers(changes.of_applications(application_of("started", 1))) ==
          Numbers{mib::application_down, mib::application_up});
    CHECK(changes.of_applications(Json()).empty());
    CHECK(changes.of_applications(application_of("unknown", 1)).empty());
    CHECK(changes.of_applications(application_of("started", 1)).empty());
    // Another controller leads for a while.
    CHECK(changes.of_applications(Json::array()).empty());
    CHECK(changes.of_applications(application_of("started", 1)).empty());
}

}  // namespace
}  // namespace belay::site::snmp
