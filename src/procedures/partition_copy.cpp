#include "procedures/partition_copy.h"

#include "operation/plan_builder.h"
#include "storage/device.h"
#include "storage/disk.h"
#include "storage/fingerprint.h"
#include "storage/partition.h"
#include "storage/partition_copy.h"
#include "storage/probe.h"

namespace belay::procedures {
namespace {

using namespace belay::storage;
using operation::PlanBuilder;

/// The table of `from` as it will stand on `to`.
Result<PartitionTable> table_for(host::Host& machine, const Disk& from, const Disk& to)
{
    const std::optional<PartitionTable> source = TRY(read_table(machine, from.by_id));
    if (!source)
        return fail(ErrorKind::refused, fmt::format("{} has no partition table", shown(from)),
                    "belay storage show");
    TRY(partition::can_be_copied(*source, shown(from)));
    TRY(partition::reaches_the_end(*source, to));
    const std::string random = TRY(machine.random(16 * (source->entries.size() + 1)));
    const PartitionTable renamed = TRY(partition::with_new_ids(*source, random));
    return partition::in_sectors_of(renamed, to.logical_sector);
}

std::string outcome_of(const Disk& to, const PartitionTable& table, uint64_t source_sector)
{
    std::string text = fmt::format("{}: {} partition{} at the same places, with new ids", shown(to),
                                   table.entries.size(), table.entries.size() == 1 ? "" : "s");
    if (source_sector != table.sector_size)
        text += fmt::format(", counted in sectors of {} bytes", table.sector_size);
    const Bytes room = partition::room_for(table);
    if (to.size > room)
        text += fmt::format("; {} behind them are free", to_text(Bytes{to.size.count - room.count}));
    return text;
}

Result<operation::Plan> make_copy(host::Host& machine, const std::map<std::string, std::string>& arguments)
{
    const Inventory host = TRY(read_inventory(machine));
    const Disk from = TRY(lasting_disk(host, arguments.at("from")));
    const Disk to = TRY(lasting_disk(host, arguments.at("to")));
    if (from.name == to.name)
        return fail(ErrorKind::usage, fmt::format("{} cannot be copied to itself", shown(from)),
                    "name two disks");
    const PartitionTable table = TRY(table_for(machine, from, to));

    PlanBuilder plan("partition.copy",
                     fmt::format("Copy the partition table of {} to {}", shown(from), shown(to)),
                     {{"from", from.by_id}, {"to", to.by_id}});
    plan.check("from.identity", "the source is the disk that was named", disk::is(from));
    plan.check("to.identity", "the target is the disk that was named", disk::is(to));
    plan.check("to.free", "nothing uses the target", partition::is_free_for(to, table));
    plan.check("to.size", "the target is large enough",
               disk::at_least(to, partition::room_for(table), "the table of the source"));
    plan.check("ids.unique", "no two partitions have the same PARTUUID", partition::ids_are_unique(to.by_id));

    const std::string instead = to.table.empty() ? "" : ", in place of the one that is there";
    operation::Step& copy =
        plan.activate("copy-table", fmt::format("write the table to {}, with new ids{}", shown(to), instead),
                      partition::replace_table(to, table));
    copy.member = to.serial;
    copy.identity = {disk::is(from), disk::is(to)};
    for (const PartitionTable::Entry& entry : table.entries)
        copy.expects.push_back(disk::there(partition::path_of(entry)));
    copy.expects.push_back(partition::ids_are_unique(""));

    plan.plan().locks = {"disk:" + from.by_id, "disk:" + to.by_id};
    plan.plan().fingerprints = {fingerprint_of({}, {from.by_id, to.by_id})};
    plan.plan().topology = {outcome_of(to, table, from.logical_sector)};
    return plan.build();
}

}  // namespace

Procedure partition_copy()
{
    return {
        .name = "partition.copy",
        .summary = "copy a disk's partition table to another disk",
        .description =
            "Writes the table of one disk, MBR or GPT, to another that nothing uses, with a new disk id "
            "and new PARTUUIDs; nothing in the partitions is copied. A table that the target has is kept, "
            "with the disk's first and last 64 KiB, and abort puts it back. Disks with sectors of another "
            "size get the same places in bytes, where that is possible.",
        .source = "sfdisk(8)",
        .arguments = {{"from", "the disk whose table is copied: serial, WWN, by-id name or device", "LAB0001",
                       true},
                      {"to", "the disk that gets it", "LAB0003", true}},
        .make = make_copy};
}

}  // namespace belay::procedures
