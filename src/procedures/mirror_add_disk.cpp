#include "procedures/mirror_add_disk.h"

#include "operation/plan_builder.h"
#include "procedures/boot_steps.h"
#include "storage/boot_code.h"
#include "storage/device.h"
#include "storage/disk.h"
#include "storage/esp.h"
#include "storage/fingerprint.h"
#include "storage/fstab.h"
#include "storage/md.h"
#include "storage/md_alone.h"
#include "storage/partition.h"
#include "storage/probe.h"

namespace belay::procedures {
namespace {

using namespace belay::storage;
using operation::PlanBuilder;

constexpr uint64_t both = 2;

/// One array that gets its second leg.
struct Gain {
    Array array;
    std::string joining;  ///< stable path of the member that comes
    std::string suffix;   ///< keeps step names apart where there are several arrays: "", "-md1"
};

/// The array that stands on a device; null where none does.
const Array* array_on(const Inventory& host, const std::string& device)
{
    for (const std::string& upper : host.on(device)) {
        if (const Array* array = host.array_named(upper)) return array;
    }
    return nullptr;
}

bool serves_alone(const Inventory& host, const Disk& disk)
{
    const auto alone = [&](const std::string& device) {
        const Array* array = array_on(host, device);
        return array != nullptr && md::only_member(*array) != nullptr;
    };
    return alone(disk.name) || std::ranges::any_of(disk.partitions, [&](const Partition& partition) {
               return alone(partition.name);
           });
}

/// The disk that was named, or the only one that serves an array alone.
Result<Disk> serving_disk(const Inventory& host, const std::map<std::string, std::string>& arguments)
{
    const auto said = arguments.find("like");
    if (said != arguments.end() && !said->second.empty()) return lasting_disk(host, said->second);
    std::vector<const Disk*> found;
    for (const Disk& disk : host.disks) {
        if (serves_alone(host, disk)) found.push_back(&disk);
    }
    if (found.empty())
        return fail(ErrorKind::not_found, "no mirror of this host stands on one disk", "belay storage show");
    if (found.size() > 1)
        return fail(ErrorKind::usage,
                    fmt::format("{} and {} both serve arrays alone", shown(*found[0]), shown(*found[1])),
                    "say which with --like SERIAL");
    return lasting_disk(host, found.front()->name);
}

Result<Gain> gain_of(const Array& array, std::string joining, std::string suffix)
{
    if (md::only_member(array) == nullptr)
        return fail(
            ErrorKind::refused,
            fmt::format("/dev/{} ({}, {} members of {}, {} in sync) is no mirror of one member", array.name,
                        array.level, array.members.size(), array.legs, array.members_in_sync()),
            fmt::format("mdadm --detail /dev/{}", array.name));
    if (array.path.empty())
        return fail(ErrorKind::refused,
                    fmt::format("/dev/{} has no stable name under /dev/disk/by-id", array.name),
                    "udevadm trigger --subsystem-match=block");
    return Gain{array, std::move(joining), std::move(suffix)};
}

/// Whether a partition that is in no array may stay as it is: what starts the host has steps of its own, and
/// swap is on one disk only.
bool needs_no_mirror(const Partition& partition)
{
    return esp::is_esp(partition.type) || boot_code::is_bios_boot(partition.type) ||
           partition.content.type.empty() || partition.content.type == "swap";
}

Result<std::vector<Gain>> gains_of(const Inventory& host, const Disk& serving, const Disk& joining,
                                   const std::optional<PartitionTable>& table)
{
    std::vector<Gain> gains;
    if (!table) {
        const Array* array = array_on(host, serving.name);
        if (array != nullptr) gains.push_back(TRY(gain_of(*array, joining.by_id, "")));
    }
    for (const Partition& partition : serving.partitions) {
        const Array* array = array_on(host, partition.name);
        if (array == nullptr) {
            if (needs_no_mirror(partition)) continue;
            return fail(ErrorKind::refused,
                        fmt::format("/dev/{} of {} holds {} outside of any mirror; mirror.add-disk does not "
                                    "carry it over",
                                    partition.name, shown(serving), partition.content.type),
                        "belay storage show");
        }
        const auto entry =
            std::ranges::find(table->entries, partition.number, &PartitionTable::Entry::number);
        if (entry == table->entries.end())
            return fail(ErrorKind::refused,
                        fmt::format("the kernel and sfdisk disagree on the partitions of {}", shown(serving)),
                        fmt::format("blockdev --rereadpt /dev/{}", serving.name));
        gains.push_back(TRY(gain_of(*array, partition::path_of(*entry), "-" + array->name)));
    }
    if (gains.empty())
        return fail(ErrorKind::refused, fmt::format("no mirror stands on {}", shown(serving)),
                    "belay storage show");
    if (gains.size() == 1) gains.front().suffix.clear();
    return gains;
}

void write_join_checks(PlanBuilder& plan, const std::vector<Gain>& gains, const Disk& serving,
                       const Disk& joining, const std::optional<PartitionTable>& table)
{
    plan.check("serving.identity", "the serving disk is the one that was named", disk::is(serving));
    plan.check("joining.identity", "the joining disk is the one that was named", disk::is(joining));
    plan.check_once("joining.unused", "nothing uses the joining disk", disk::unused(joining));
    plan.check("joining.sectors", "both disks have the same logical sectors",
               disk::sectors_of(joining, serving.logical_sector));
    const Bytes room = table ? partition::room_for(*table) : serving.size;
    plan.check("joining.size", "the joining disk is large enough",
               disk::at_least(joining, room, "what stands on the serving disk"));
    for (const Gain& gain : gains)
        plan.check("array.alone", fmt::format("/dev/{} has one member, in sync", gain.array.name),
                   md::stands_alone(gain.array));
}

void write_join_steps(PlanBuilder& plan, const std::vector<Gain>& gains, const Disk& serving,
                      const Disk& joining, const std::optional<PartitionTable>& table)
{
    const std::vector<operation::Question> same_disks = {disk::is(serving), disk::is(joining)};
    if (table) {
        operation::Step& copy = plan.add(
            "copy-table", fmt::format("copy the partition table to {}, with new ids", shown(joining)),
            partition::write_table(joining, *table));
        copy.member = joining.serial;
        copy.identity = same_disks;
        for (const PartitionTable::Entry& entry : table->entries)
            copy.expects.push_back(disk::there(partition::path_of(entry)));
    }
    for (const Gain& gain : gains) {
        operation::Step& join = plan.activate(
            "second-leg" + gain.suffix, fmt::format("join it to /dev/{} as the second leg", gain.array.name),
            table ? md::add_leg(gain.array, gain.joining, both) : md::add_leg(gain.array, joining, both));
        join.member = joining.serial;
        join.identity = same_disks;
        operation::Step& wait = plan.activate(
            "in-sync" + gain.suffix, fmt::format("wait until /dev/{} is copied to it", gain.array.name),
            md::await_sync(gain.array, gain.joining));
        wait.member = joining.serial;
        wait.identity = {disk::is(joining)};
        wait.expects = {md::in_sync(gain.array, both), md::has_leg(gain.array, gain.joining)};
        wait.takes = md::copy_time(gain.array);
        wait.stalled_after = std::chrono::minutes(30);
    }
}

/// What holds during the soak, what it locks, what abort leaves and proves.
void write_frame(operation::Plan& plan, const std::vector<Gain>& gains, const Disk& serving,
                 const Disk& joining, bool edits_fstab)
{
    std::vector<std::string> arrays;
    for (const Gain& gain : gains) {
        arrays.push_back(gain.array.uuid);
        plan.locks.push_back("md:" + gain.array.uuid);
        plan.gates.push_back({"in-sync" + gain.suffix,
                              fmt::format("/dev/{} keeps both legs in sync", gain.array.name),
                              md::in_sync(gain.array, both)});
        plan.topology.push_back(
            fmt::format("/dev/{}: {} legs in sync; {} joined", gain.array.name, both, shown(joining)));
    }
    plan.locks.push_back("disk:" + serving.by_id);
    plan.locks.push_back("disk:" + joining.by_id);
    plan.fingerprints = {fingerprint_of(arrays, {serving.by_id, joining.by_id})};
    if (edits_fstab) {
        plan.locks.push_back(fmt::format("file:{}", fstab::path));
        plan.fingerprints.push_back(fstab::fingerprint());
    }
    plan.left_by_abort = {fmt::format(
        "the blocks of {} behind its table: they were blank to us, and hold copies of the mirror's blocks",
        shown(joining))};
}

Result<operation::Plan> make_add_disk(host::Host& machine,
                                      const std::map<std::string, std::string>& arguments)
{
    const Inventory host = TRY(read_inventory(machine));
    const Disk joining = TRY(lasting_disk(host, arguments.at("disk")));
    const Disk serving = TRY(serving_disk(host, arguments));
    if (serving.name == joining.name)
        return fail(ErrorKind::usage, fmt::format("{} cannot be a mirror of itself", shown(serving)),
                    "name two disks");
    std::optional<PartitionTable> table = TRY(read_table(machine, serving.by_id));
    if (table) {
        const std::string random = TRY(machine.random(16 * (table->entries.size() + 1)));
        table = TRY(partition::with_new_ids(*table, random));
    }
    const std::vector<Gain> gains = TRY(gains_of(host, serving, joining, table));
    const BootDisk boot = TRY(read_boot_disk(machine, host, serving));

    PlanBuilder plan("mirror.add-disk",
                     fmt::format("Add {} as a mirror of {}", shown(joining), shown(serving)),
                     {{"disk", joining.by_id}, {"like", serving.by_id}});
    write_join_checks(plan, gains, serving, joining, table);
    write_join_steps(plan, gains, serving, joining, table);
    write_frame(plan.plan(), gains, serving, joining, boot.esp.has_value());
    if (table)
        TRY(append_boot_steps(plan, machine, boot, joining, *table, BootAim::beside, TRY(machine.random(4))));
    return plan.build();
}

}  // namespace

Procedure mirror_add_disk()
{
    return {
        .name = "mirror.add-disk",
        .summary = "make what stands on one disk a real mirror, boot disk included",
        .description =
            "Copies the partition table of the disk that serves to the joining one with new ids, joins it to "
            "every mirror of one member that stands there, and waits until it is in sync. Where the disk "
            "starts the host, the new one does as well: an EFI system partition made, filled and kept in "
            "step "
            "by hooks, a line in /etc/fstab, an entry of the firmware, GRUB for BIOS. Abort takes all of it "
            "back; commit keeps it.",
        .source = "mdadm(8), sfdisk(8), mkfs.fat(8), efibootmgr(8), grub-install(8)",
        .arguments = {{"disk", "the blank disk that joins: serial, WWN, by-id name or device", "LAB0002",
                       true},
                      {"like", "the disk that serves; needed where several do", "LAB0001", false}},
        .make = make_add_disk};
}

}  // namespace belay::procedures
