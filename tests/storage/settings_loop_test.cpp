// The settings of an array with every single accident, as fault_loop_test.cpp does it for disk.replace.

#include "every_run.h"

using namespace belay;
using namespace belay::simulated;

namespace {

std::string unless(bool right, const std::string& what)
{
    return right ? "" : what;
}

const std::vector<Task> tasks = {
    {"array.bitmap",
     {{"array", "md0"}, {"bitmap", "none"}},
     [](const SimulatedStorage& machine, bool) {
         return unless(machine.setting("md0", "bitmap/location") == "none\n", "the bitmap is there");
     }},
    {"array.sync-speed",
     {{"array", "md0"}, {"max", "300M"}, {"min", "5M"}},
     [](const SimulatedStorage& machine, bool booted) {
         const bool set = machine.setting("md0", "sync_speed_max") == "307200 (local)\n" &&
                          machine.setting("md0", "sync_speed_min") == "5120 (local)\n";
         return unless(set || booted, "the limits are not set");
     }},
    {"array.sync-pause", {{"array", "md0"}}, [](const SimulatedStorage& machine, bool) {
         return unless(machine.setting("md0", "sync_action") == "idle\n", "the array is still held");
     }}};

const std::vector<Wish> wishes_without_copy = {Wish::commit, Wish::abort_when_added,
                                               Wish::abort_when_activated};

Loop loop_of(const Task& task)
{
    static const Shape shape = shapes()[0];
    return {task.procedure, shape, task, wishes_without_copy};
}

}  // namespace

TEST_CASE("without an accident each setting is made, and goes back from wherever it is aborted")
{
    for (const Task& task : tasks) without_accident(loop_of(task));
}

TEST_CASE("any contact of a setting may be refused, its answer lost, the process or the power gone at it")
{
    size_t runs = 0;
    for (const Task& task : tasks)
        runs += mishap_at_every_contact(loop_of(task), every_mishap, From::the_start);
    CHECK(runs > 500);
    MESSAGE((runs / stride) << " runs");
}

TEST_CASE("any write to the journal of a setting may be the last, kept or not, and any may be refused")
{
    for (const Task& task : tasks) CHECK(mishap_at_every_write(loop_of(task)) > 0);
}
