// partition.copy, array.create and array.stop with every single accident, as fault_loop_test.cpp does it for
// disk.replace.

#include "base/invariant.h"
#include "every_run.h"

namespace belay::simulated::tables_and_arrays {
namespace {

const std::string fourth_disk = "sdd", fourth_serial = "SIM0004";
constexpr uint64_t member_bytes = 4 << 20;

void must_run(SimulatedStorage& machine, std::vector<std::string> argv, std::string input = {})
{
    const auto outcome = machine.host().run({.argv = std::move(argv), .input = std::move(input)});
    INVARIANT(outcome && outcome->exit_code == 0);
}

void plug(SimulatedStorage& machine, const std::string& name, const std::string& serial)
{
    machine.plug({.name = name,
                  .size = {member_bytes},
                  .serial = serial,
                  .model = "SIMULATED",
                  .by_id = "ata-SIMULATED_" + serial});
}

/// Two more disks, blank.
void two_blank(SimulatedStorage& machine)
{
    plug(machine, fourth_disk, fourth_serial);
    plug(machine, "sde", "SIM0005");
}

/// A mirror of them that nothing uses.
void idle_mirror(SimulatedStorage& machine)
{
    two_blank(machine);
    must_run(machine, {"mdadm", "--create", "/dev/md7", "--raid-devices=2",
                       "--uuid=77777777:22222222:33333333:44444444", "/dev/sdd", "/dev/sde"});
}

const char* const old_table =
    "label: dos\nlabel-id: 0x0badcafe\nunit: sectors\n\n1 : start=128, size=32, type=83\n2 : start=160, "
    "size=40, "
    "type=83\n";

std::string ids_of(const SimulatedStorage& machine, const std::string& disk)
{
    std::string ids;
    const host::Machine now = const_cast<SimulatedStorage&>(machine).host().machine();
    for (const auto& [path, node] : now.nodes) {
        if (path.starts_with("/dev/disk/by-partuuid/") && node.bytes.starts_with("../../" + disk))
            ids += path.substr(22) + " ";
    }
    return ids;
}

std::string wrong_table(const SimulatedStorage& machine, bool)
{
    const std::string copied = ids_of(machine, joining_disk);
    if (copied.size() != 37) return "the target does not have one partition: " + copied;
    return copied == ids_of(machine, leaving_disk) ? "the ids are those of the source" : "";
}

std::string wrong_array(const SimulatedStorage& machine, const std::set<std::string>& members)
{
    if (!machine.is_assembled("md1")) return "md1 does not run";
    if (machine.members("md1") != members) return "md1 has other members";
    return machine.legs_wanted("md1") == 2 ? "" : "md1 wants another number of members";
}

std::vector<Task> all_tasks()
{
    const std::map<std::string, std::string> copy = {{"from", leaving_serial}, {"to", joining_serial}};
    Task blank{"partition.copy", copy, wrong_table};
    Task over{"partition.copy", copy, wrong_table, [](SimulatedStorage& machine) {
                  must_run(machine, {"sfdisk", "--quiet", "/dev/sdc"}, old_table);
                  must_run(machine, {"mke2fs", "-L", "old", "-U", "u", "/dev/sdc2"});
              }};
    Task whole{"array.create",
               {{"level", "1"}, {"devices", "SIM0004,SIM0005"}},
               [](const SimulatedStorage& machine, bool) { return wrong_array(machine, {"sdd", "sde"}); },
               two_blank,
               {"sdd", "sde"}};
    Task half{"array.create",
              {{"level", "1"}, {"devices", "missing,SIM0005"}, {"conf", "yes"}, {"bitmap", "none"}},
              [](const SimulatedStorage& machine, bool) { return wrong_array(machine, {"sde"}); },
              [](SimulatedStorage& machine) {
                  two_blank(machine);
                  machine.host().change(
                      [](host::Machine& m) { m.put_file("/etc/mdadm/mdadm.conf", "HOMEHOST <system>"); });
              },
              {"sdd", "sde"}};
    Task stop{"array.stop",
              {{"array", "md7"}},
              [](const SimulatedStorage& machine, bool booted) {
                  if (machine.is_assembled("md7") && !booted) return "md7 runs";
                  return machine.has_superblock("sdd") ? "" : "its superblock is gone";
              },
              idle_mirror,
              {"sdd", "sde"}};
    return {blank, over, whole, half, stop};
}

const std::vector<Task> tasks = all_tasks();
const std::vector<Wish> wishes = {Wish::commit, Wish::abort_when_added, Wish::abort_when_activated};

Loop loop_of(size_t task)
{
    static const Shape shape = shapes()[0];
    return {fmt::format("{} ({})", tasks[task].procedure, task), shape, tasks[task], wishes};
}

TEST_CASE("without an accident each of them comes about, and goes back from wherever it is aborted")
{
    for (size_t task = 0; task < tasks.size(); ++task) without_accident(loop_of(task));
}

TEST_CASE("any contact of them may be refused, its answer lost, the process or the power gone at it")
{
    size_t runs = 0;
    for (size_t task = 0; task < tasks.size(); ++task)
        runs += mishap_at_every_contact(loop_of(task), every_mishap);
    CHECK(runs > 500);
    MESSAGE((runs / stride) << " runs");
}

TEST_CASE("any write to their journal may be the last, kept or not, and any may be refused")
{
    for (size_t task = 0; task < tasks.size(); ++task) CHECK(mishap_at_every_write(loop_of(task)) > 0);
}

}  // namespace
}  // namespace belay::simulated::tables_and_arrays
