#include "procedures/disk_bus.h"

#include "operation/plan_builder.h"
#include "storage/bus.h"
#include "storage/device.h"
#include "storage/disk.h"
#include "storage/fingerprint.h"
#include "storage/probe.h"
#include "storage/uses.h"

namespace belay::procedures {
namespace {

using namespace belay::storage;
using operation::PlanBuilder;

Result<operation::Plan> make_unplug(host::Host& machine, const std::map<std::string, std::string>& arguments)
{
    const Inventory host = TRY(read_inventory(machine));
    const Disk disk = TRY(lasting_disk(host, arguments.at("disk")));
    const bus::Way way = TRY(bus::way_of(machine, disk));

    PlanBuilder plan("disk.unplug", fmt::format("Take out {}", shown(disk)), {{"disk", disk.by_id}});
    plan.check("disk.identity", "it is the disk that was named", disk::is(disk));
    plan.check("disk.idle", "nothing uses it", is_idle(disk));
    operation::Step& out = plan.activate("take-out", fmt::format("take {} out of the kernel", shown(disk)),
                                         bus::take_out(disk, way));
    out.member = disk.serial;
    out.identity = {may_go(disk)};
    // A boot in the soak finds it again.
    operation::Step& stay =
        plan.commit("stay-out", "take it out again, where a boot has found it", bus::take_out(disk, way));
    stay.member = disk.serial;
    stay.identity = {may_go(disk)};

    plan.plan().locks = {"disk:" + disk.by_id};
    plan.plan().fingerprints = {fingerprint_of({}, {disk.by_id})};
    plan.plan().topology = {
        fmt::format("{} is out and may be pulled; the next boot, or a scan, finds it again", shown(disk))};
    return plan.build();
}

Result<operation::Plan> make_scan(host::Host& machine, const std::map<std::string, std::string>& arguments)
{
    const Inventory host = TRY(read_inventory(machine));
    std::vector<std::string> buses = TRY(bus::scannable(machine));
    const auto only = arguments.find("host");
    if (only != arguments.end()) {
        if (std::ranges::find(buses, only->second) == buses.end())
            return fail(ErrorKind::not_found,
                        fmt::format("no bus {} on this host; there are {}", only->second,
                                    buses.empty() ? "none" : fmt::format("{}", fmt::join(buses, ", "))),
                        "belay storage ports");
        buses = {only->second};
    }
    if (buses.empty())
        return fail(ErrorKind::refused, "this host has no bus that can be scanned for disks",
                    "belay storage show");

    PlanBuilder plan("bus.scan", fmt::format("Look for disks on {}", fmt::join(buses, ", ")),
                     {{"buses", buses}});
    for (const std::string& bus : buses) {
        plan.check(bus + ".there", fmt::format("{} is there", bus), bus::is_there(bus));
        plan.plan().locks.push_back("bus:" + bus);
    }
    plan.activate("scan", "look for disks", bus::scan(buses, host));
    plan.plan().left_by_abort = {"disks that were found stay: nothing is on them that was not there before"};
    plan.plan().topology = {"the journal says which disks are new: belay show OPERATION --journal"};
    return plan.build();
}

}  // namespace

Procedure disk_unplug()
{
    return {
        .name = "disk.unplug",
        .summary = "take out a disk that nothing uses",
        .description =
            "Takes a SCSI, ATA or NVMe disk out of the running kernel, so that it can be pulled: only when "
            "it is not mounted, no swap, under nothing, in no pool or volume group, and no process has it "
            "open. Abort, as long as it is in its bay, finds it again.",
        .source = "the kernel's sysfs: device/delete, scan",
        .arguments = {{"disk", "serial, WWN, by-id name or device", "LAB0001", true}},
        .make = make_unplug};
}

Procedure bus_scan()
{
    return {
        .name = "bus.scan",
        .summary = "look for disks that were put in",
        .description =
            "Tells the kernel to look for disks on its SCSI and ATA hosts and on PCI (NVMe), and says which "
            "are new. Abort leaves them where they are.",
        .source = "the kernel's sysfs: scsi_host/scan, pci/rescan",
        .arguments = {{"host", "only this one, as belay storage ports calls it, or pci", "host2", false}},
        .make = make_scan};
}

}  // namespace belay::procedures
