// disk.unplug, bus.scan and disk.locate with every single accident, as fault_loop_test.cpp does it for
// disk.replace.

#include "base/invariant.h"
#include "every_run.h"

namespace belay::simulated::going_disks {
namespace {

/// The disk that joins elsewhere is here one with an old filesystem on a partition.
void with_partition(SimulatedStorage& machine)
{
    const std::string script =
        "label: dos\nlabel-id: 0x0badcafe\nunit: sectors\n\n1 : start=128, size=64, type=83\n";
    const auto outcome = machine.host().run({.argv = {"sfdisk", "--quiet", "/dev/sdc"}, .input = script});
    INVARIANT(outcome && outcome->exit_code == 0);
}

/// A disk is in its bay, and the kernel does not know it.
void with_one_out(SimulatedStorage& machine)
{
    machine.plug({.name = "sdd", .size = {1 << 20}, .serial = "SIM0004", .by_id = "ata-SIMULATED_SIM0004"});
    INVARIANT(machine.host().write("/sys/block/sdd/device/delete", "1").has_value());
    INVARIANT(!machine.is_plugged("sdd"));
}

std::vector<Task> all_tasks()
{
    // What a scan has found stays, whatever comes of the operation.
    Task scan{"bus.scan",
              {},
              [](const SimulatedStorage& machine, bool) {
                  return machine.is_plugged("sdd") ? "" : "the disk was not found";
              },
              with_one_out};
    scan.may_stay = {"sdd", "SIM0004", "target0:0:3", "/98:48"};
    Task unplug{"disk.unplug",
                {{"disk", joining_serial}},
                [](const SimulatedStorage& machine, bool booted) {
                    return machine.is_plugged("sdc") && !booted ? "it is still in" : "";
                },
                with_partition};
    Task locate{"disk.locate", {{"disk", leaving_serial}, {"for", "1h"}}, [](const SimulatedStorage&, bool) {
                    return "";
                }};
    return {unplug, scan, locate};
}

const std::vector<Task> tasks = all_tasks();
const std::vector<Wish> wishes = {Wish::commit, Wish::abort_when_added, Wish::abort_when_activated};

Loop loop_of(const Task& task)
{
    static const Shape shape = shapes()[0];
    return {task.procedure, shape, task, wishes};
}

TEST_CASE("without an accident a disk goes, comes and is lit, and all goes back from wherever it is aborted")
{
    for (const Task& task : tasks) without_accident(loop_of(task));
}

TEST_CASE(
    "any contact while disks come and go may be refused, its answer lost, the process or the power gone")
{
    size_t runs = 0;
    for (const Task& task : tasks) runs += mishap_at_every_contact(loop_of(task), every_mishap);
    CHECK(runs > 500);
    MESSAGE((runs / stride) << " runs");
}

TEST_CASE("any write to the journal while disks come and go may be the last, kept or not, and any be refused")
{
    for (const Task& task : tasks) CHECK(mishap_at_every_write(loop_of(task)) > 0);
}

}  // namespace
}  // namespace belay::simulated::going_disks
