// What is told of arrays from one look to the next.

#include "storage/array_watch.h"

#include "base/json.h"
#include "base/testing/must.h"
#include "host/simulated.h"

#include <doctest/doctest.h>

namespace belay::storage {
namespace {

const std::string head = "Personalities : [raid1] [raid6] [raid5] [raid4]\n";
const std::string foot = "unused devices: <none>\n";

std::vector<WatchedArray> look(const std::string& arrays)
{
    host::SimulatedHost host;
    host.change([&](host::Machine& machine) {
        machine.put_file("/proc/mdstat", head + arrays + foot);
        machine.put_file("/sys/block/md0/md/uuid", "11111111-2222-2222-3333-333344444444\n");
        machine.put_file("/sys/block/md1/md/uuid", "00000000-0000-0000-0000-000000000000\n");
    });
    return must(look_at_arrays(host));
}

const std::string whole_array =
    "md0 : active raid1 sdb1[1] sda1[0]\n      1000 blocks super 1.2 [2/2] [UU]\n      \n";
const std::string broken =
    "md0 : active raid1 sdb1[1](F) sda1[0]\n      1000 blocks super 1.2 [2/1] [U_]\n      \n";
const std::string spared =
    "md0 : active raid1 sdc1[2](S) sdb1[1] sda1[0]\n      1000 blocks super 1.2 [2/2] [UU]\n      \n";
const std::string recovering =
    "md0 : active raid1 sdc1[2] sdb1[1](F) sda1[0]\n      1000 blocks super 1.2 [2/1] [U_]\n"
    "      [==>..................]  recovery = 12.5% (125/1000) finish=0.1min speed=100K/sec\n      \n";
const std::string inactive = "md0 : inactive sda1[0](S)\n      1000 blocks super 1.2\n       \n";

/// The events as "event:member" in one line.
std::string told(const std::string& before, const std::string& now)
{
    const std::vector<WatchedArray> first = look(before);
    std::string text;
    for (const ArrayEvent& event : events_between(&first, look(now)))
        text += fmt::format("{}{}{} ", event.event, event.member.empty() ? "" : ":", event.member);
    return text;
}

}  // namespace

TEST_CASE("an array is read with its UUID, and what is in no array with none")
{
    const std::vector<WatchedArray> arrays = look(whole_array);
    REQUIRE(arrays.size() == 1);
    CHECK(arrays[0].uuid == "11111111:22222222:33333333:44444444");
    CHECK(arrays[0].wanted == 2);
    CHECK(arrays[0].in_sync == 2);
    CHECK(arrays[0].members == std::vector<std::string>{"sda1", "sdb1"});
    CHECK(look("").empty());
    host::SimulatedHost bare;
    CHECK(must(look_at_arrays(bare)).empty());
}

TEST_CASE("nothing is told where nothing happened")
{
    for (const std::string& state : {whole_array, broken, spared, recovering, inactive})
        CHECK(told(state, state) == "");
}

TEST_CASE("what happens to members is told once")
{
    CHECK(told(whole_array, broken) == "member-failed:sdb1 degraded ");
    CHECK(told(broken, whole_array) == "whole ");
    CHECK(told(spared, recovering) == "member-failed:sdb1 degraded rebuild-started ");
    CHECK(told(recovering, whole_array) == "whole rebuild-finished ");
    CHECK(told(recovering, broken) == "rebuild-finished ");
    CHECK(told(spared, whole_array) == "spare-missing:sdc1 ");
    CHECK(told(whole_array, spared) == "");
}

TEST_CASE("arrays that come, go and stop are told")
{
    CHECK(told("", whole_array) == "found ");
    CHECK(told("", broken) == "found member-failed:sdb1 degraded ");
    CHECK(told(whole_array, "") == "gone ");
    CHECK(told(whole_array, inactive) == "inactive ");
    CHECK(told(inactive, broken) == "member-failed:sdb1 degraded ");
}

TEST_CASE("the first look of all tells what is wrong already, and no more")
{
    CHECK(events_between(nullptr, look(whole_array)).empty());
    const std::vector<ArrayEvent> events = events_between(nullptr, look(broken));
    REQUIRE(events.size() == 2);
    CHECK(events[0].text == "sdb1 has failed in md0");
    CHECK(events[1].text == "md0 is degraded: 1 of 2 members are in sync");
    CHECK(events[1].severity == "critical");
}

TEST_CASE("an array keeps its name by its UUID, and a check is nobody's alarm")
{
    std::vector<WatchedArray> before = look(whole_array);
    std::vector<WatchedArray> now = before;
    now[0].name = "md127";
    CHECK(events_between(&before, now).empty());
    now[0].sync = "check";
    CHECK(events_between(&before, now).empty());
    const auto again = must(from_json_value<std::vector<WatchedArray>>(Json(now)));
    CHECK(events_between(&now, again).empty());
}

}  // namespace belay::storage
