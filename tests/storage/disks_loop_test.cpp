// disk.unplug, bus.scan and disk.locate with every single accident, as fault_loop_test.cpp does it for
// disk.replace.

#include "base/invariant.h"
#include "every_run.h"
#include "trial.h"

#include <doctest/doctest.h>

namespace belay::simulated::going_disks {
namespace {

using host::Fault;
using store::MemoryStore;

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

void check(size_t task, Wish wish, const Accident& accident, const std::string& what)
{
    const Verdict verdict = try_out(shapes()[0], wish, accident, tasks[task]);
    for (const std::string& broken : verdict.broken) {
        const std::string story =
            fmt::format("{}, {}, {}: {}\nended {}: {}\n{}", tasks[task].procedure, name_of(wish), what,
                        broken, name_of(verdict.ended), verdict.reason, verdict.log);
        FAIL_CHECK(story);
    }
}

TEST_CASE("without an accident a disk goes, comes and is lit, and all goes back from wherever it is aborted")
{
    for (size_t task = 0; task < tasks.size(); ++task) {
        for (const Wish wish : wishes) {
            check(task, wish, {}, "no accident");
            const Verdict verdict = try_out(shapes()[0], wish, {}, tasks[task]);
            CHECK_MESSAGE((verdict.ended == operation::State::committed) == (wish == Wish::commit),
                          verdict.reason);
            CHECK(verdict.held == 0);
        }
    }
}

TEST_CASE(
    "any contact while disks come and go may be refused, its answer lost, the process or the power gone")
{
    std::atomic<size_t> runs = 0;
    for (size_t task = 0; task < tasks.size(); ++task) {
        for (const Wish wish : wishes) {
            const Verdict whole = try_out(shapes()[0], wish, {}, tasks[task]);
            for_each_of(wish == Wish::commit ? 1 : whole.turned_at + 1, whole.contacts, [&](size_t at) {
                for (const auto kind : {Fault::Kind::refuse, Fault::Kind::lost, Fault::Kind::dead})
                    check(task, wish, {.contact = Fault{kind, at}},
                          fmt::format("fault {} at contact {}", static_cast<int>(kind), at));
                check(task, wish, {.contact = Fault{Fault::Kind::dead, at}, .power_cut = true},
                      fmt::format("the power gone at contact {}", at));
                runs += 4;
            });
        }
    }
    CHECK(runs > 500 / stride);
    MESSAGE(runs.load() << " runs");
}

TEST_CASE("any write to the journal while disks come and go may be the last, kept or not, and any be refused")
{
    for (size_t task = 0; task < tasks.size(); ++task) {
        for (const Wish wish : wishes) {
            const size_t writes = try_out(shapes()[0], wish, {}, tasks[task]).writes;
            for (const auto fault : {MemoryStore::Fault::lost_before, MemoryStore::Fault::lost_after,
                                     MemoryStore::Fault::refuse}) {
                for (size_t at = 1; at <= writes; ++at)
                    check(task, wish, {.store = fault, .store_at = at},
                          fmt::format("store fault {} at write {}", static_cast<int>(fault), at));
            }
        }
    }
}

}  // namespace
}  // namespace belay::simulated::going_disks
