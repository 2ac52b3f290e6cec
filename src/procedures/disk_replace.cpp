#include "procedures/disk_replace.h"

#include "operation/plan_builder.h"
#include "storage/disk.h"
#include "storage/fingerprint.h"
#include "storage/md.h"
#include "storage/partition.h"
#include "storage/probe.h"

namespace belay::procedures {
namespace {

using namespace belay::storage;
using operation::PlanBuilder;

/// One mirror that changes a leg.
struct Move {
    Array array;
    std::string leaving;  ///< stable path of the member that goes
    std::string joining;  ///< stable path of the member that comes
    std::string suffix;   ///< keeps step names apart where there are several mirrors: "", "-md1"
};

std::string what_is_on(const Inventory& host, const std::string& device, const Content& content)
{
    for (const std::string& upper : host.on(device)) {
        if (host.array_named(upper) == nullptr) return "part of " + upper;
    }
    for (const Mount* mount : host.mounts_of(device))
        return fmt::format("{}, mounted on {}", content.type, mount->path);
    return content.type;
}

/// The mirror of which `device` is a member. Errors: refused, where it is something that this procedure
/// cannot carry over.
Result<Array> mirror_of(const Inventory& host, const Disk& leaving, const std::string& device,
                        const Content& content)
{
    for (const std::string& upper : host.on(device)) {
        const Array* array = host.array_named(upper);
        if (array == nullptr) continue;
        if (array->level != "raid1")
            return fail(
                ErrorKind::refused,
                fmt::format("/dev/{} is a member of {}, a {}; disk.replace carries over mirrors (raid1)",
                            device, upper, array->level),
                fmt::format("mdadm --manage /dev/{} --add-spare NEW, then mdadm --replace", upper));
        if (array->path.empty())
            return fail(ErrorKind::refused,
                        fmt::format("/dev/{} has no stable name under /dev/disk/by-id", upper),
                        "udevadm trigger --subsystem-match=block");
        return *array;
    }
    const std::string found = what_is_on(host, device, content);
    return fail(
        ErrorKind::refused,
        fmt::format("/dev/{} of {} is no member of a running mirror{}; disk.replace cannot carry it over",
                    device, shown(leaving), found.empty() ? "" : fmt::format(" ({})", found)),
        "belay storage show");
}

Result<std::string> text_argument(const std::map<std::string, std::string>& arguments,
                                  const std::string& name)
{
    const auto found = arguments.find(name);
    if (found == arguments.end() || found->second.empty())
        return fail(ErrorKind::usage, fmt::format("disk.replace wants --{}", name),
                    "belay procedures disk.replace");
    return found->second;
}

Result<Disk> named_disk(const Inventory& host, const std::string& said)
{
    Disk disk = TRY(host.disk(said));
    if (disk.by_id.empty())
        return fail(
            ErrorKind::refused,
            fmt::format("/dev/{} has no name under /dev/disk/by-id, so nobody can tell it from another disk",
                        disk.name),
            "udevadm info /dev/" + disk.name);
    return disk;
}

std::string on_array(const Move& move)
{
    return fmt::format("/dev/{}", move.array.name);
}

/// Partition by partition where the leaving disk has a table, else the disk as a whole.
Result<std::vector<Move>> moves_of(const Inventory& host, const Disk& leaving, const Disk& joining,
                                   const std::optional<PartitionTable>& table)
{
    std::vector<Move> moves;
    if (!table) {
        moves.push_back(
            {TRY(mirror_of(host, leaving, leaving.name, leaving.content)), leaving.by_id, joining.by_id, ""});
        return moves;
    }
    const auto disagree = [&] {
        return fail(ErrorKind::refused,
                    fmt::format("the kernel and sfdisk disagree on the partitions of {}", shown(leaving)),
                    fmt::format("blockdev --rereadpt /dev/{}", leaving.name));
    };
    if (leaving.partitions.size() != table->entries.size()) return disagree();
    for (const Partition& partition : leaving.partitions) {
        const auto entry =
            std::ranges::find(table->entries, partition.number, &PartitionTable::Entry::number);
        if (entry == table->entries.end()) return disagree();
        const Array array = TRY(mirror_of(host, leaving, partition.name, partition.content));
        moves.push_back({array, "/dev/disk/by-partuuid/" + partition.uuid, partition::path_of(*entry),
                         leaving.partitions.size() == 1 ? "" : "-" + array.name});
    }
    if (moves.empty())
        return fail(ErrorKind::refused,
                    fmt::format("{} has a partition table without a partition", shown(leaving)),
                    "belay storage show");
    return moves;
}

Milliseconds copy_time(const Array& array)
{
    constexpr uint64_t plain_disk = 100 << 20;  // bytes a second, for want of anything better
    return Milliseconds{static_cast<int64_t>(array.member_size.count / plain_disk + 1) * 1000};
}

void write_checks(PlanBuilder& plan, const std::vector<Move>& moves, const Disk& leaving, const Disk& joining,
                  const std::optional<PartitionTable>& table)
{
    plan.check("leaving.identity", "the leaving disk is the one that was named", disk::is(leaving));
    plan.check("joining.identity", "the joining disk is the one that was named", disk::is(joining));
    plan.check_once("joining.unused", "nothing uses the joining disk", disk::unused(joining));
    plan.check("joining.sectors", "both disks have the same logical sectors",
               disk::same_sectors(joining, leaving));
    const Bytes room = table ? partition::room_for(*table) : leaving.size;
    plan.check("joining.size", "the joining disk is large enough",
               disk::at_least(joining, room, "what stands on the leaving disk"));
    for (const Move& move : moves)
        plan.check("array.in-sync", fmt::format("{} is in sync", on_array(move)),
                   md::in_sync(move.array, move.array.legs));
}

void write_steps(PlanBuilder& plan, const std::vector<Move>& moves, const Disk& leaving, const Disk& joining,
                 const std::optional<PartitionTable>& table)
{
    const std::vector<operation::Question> same_disks = {disk::is(leaving), disk::is(joining)};
    if (table) {
        operation::Step& copy = plan.add(
            "copy-table", fmt::format("copy the partition table to {}, with new ids", shown(joining)),
            partition::write_table(joining, *table));
        copy.member = joining.serial;
        copy.identity = same_disks;
        for (const Move& move : moves) copy.expects.push_back(disk::there(move.joining));
    }
    for (const Move& move : moves) {
        const uint64_t legs = move.array.legs;
        operation::Step& join = plan.activate("third-leg" + move.suffix,
                                              fmt::format("join it to {} as one more leg", on_array(move)),
                                              table ? md::add_leg(move.array, move.joining, legs + 1)
                                                    : md::add_leg(move.array, joining, legs + 1));
        join.member = joining.serial;
        join.identity = same_disks;
        operation::Step& wait = plan.activate("in-sync" + move.suffix,
                                              fmt::format("wait until {} is copied to it", on_array(move)),
                                              md::await_sync(move.array, move.joining));
        wait.member = joining.serial;
        wait.identity = {disk::is(joining)};
        wait.expects = {md::in_sync(move.array, legs + 1)};
        wait.takes = copy_time(move.array);
        wait.stalled_after = std::chrono::minutes(30);
    }
    for (const Move& move : moves) {
        operation::Step& drop = plan.commit(
            "let-go" + move.suffix,
            fmt::format("let {} go from {}, and erase its md superblock", shown(leaving), on_array(move)),
            md::drop_leg(move.array, move.leaving, move.array.legs));
        drop.member = leaving.serial;
        drop.identity = {disk::is(leaving), disk::is(joining),
                         md::enough_without(move.array, move.leaving, move.array.legs)};
        drop.expects = {md::in_sync(move.array, move.array.legs), md::has_leg(move.array, move.joining)};
        drop.one_way =
            "from here on the leaving disk misses what is written, and no boot takes it for a half of the "
            "mirror";
    }
}

Result<operation::Plan> make(host::Host& machine, const std::map<std::string, std::string>& arguments)
{
    const Inventory host = TRY(read_inventory(machine));
    const Disk leaving = TRY(named_disk(host, TRY(text_argument(arguments, "leaving"))));
    const Disk joining = TRY(named_disk(host, TRY(text_argument(arguments, "joining"))));
    if (leaving.name == joining.name)
        return fail(ErrorKind::usage, fmt::format("{} cannot replace itself", shown(leaving)),
                    "name two disks");

    std::optional<PartitionTable> table = TRY(read_table(machine, leaving.by_id));
    if (table) {
        const std::string random = TRY(machine.random(16 * (table->entries.size() + 1)));
        table = TRY(partition::with_new_ids(*table, random));
    }
    const std::vector<Move> moves = TRY(moves_of(host, leaving, joining, table));

    PlanBuilder plan("disk.replace", fmt::format("Replace {} by {}", shown(leaving), shown(joining)),
                     {{"leaving", leaving.by_id}, {"joining", joining.by_id}});
    write_checks(plan, moves, leaving, joining, table);
    write_steps(plan, moves, leaving, joining, table);

    std::vector<std::string> arrays;
    for (const Move& move : moves) {
        arrays.push_back(move.array.uuid);
        plan.plan().locks.push_back("md:" + move.array.uuid);
        plan.plan().gates.push_back({"in-sync" + move.suffix,
                                     fmt::format("{} keeps all its legs in sync", on_array(move)),
                                     md::in_sync(move.array, move.array.legs + 1)});
        plan.plan().topology.push_back(fmt::format("{}: {} legs in sync; {} joined, {} still serves",
                                                   on_array(move), move.array.legs + 1, shown(joining),
                                                   shown(leaving)));
    }
    plan.plan().locks.push_back("disk:" + leaving.by_id);
    plan.plan().locks.push_back("disk:" + joining.by_id);
    plan.plan().fingerprints = {fingerprint_of(arrays, {leaving.by_id, joining.by_id})};
    plan.plan().left_by_abort = {fmt::format(
        "the blocks of {} behind its table: they were blank to us, and hold copies of the mirror's blocks",
        shown(joining))};
    return plan.build();
}

}  // namespace

Procedure disk_replace()
{
    return {
        .name = "disk.replace",
        .summary = "replace one disk of a mirror while it is in use",
        .description =
            "Copies the partition table of the leaving disk to the joining one with new ids, joins it as one "
            "more leg "
            "to every mirror that the leaving disk carries, and waits until it is in sync. All legs serve "
            "until "
            "commit; the leaving disk is let go only then. Abort takes the joining disk out again and puts "
            "its "
            "first and last 64 KiB back.",
        .source = "mdadm(8), sfdisk(8)",
        .arguments = {{"leaving", "the disk that goes: serial, WWN, by-id name or device", "LAB0001", true},
                      {"joining", "the blank disk that comes in its place", "LAB0003", true}},
        .make = make};
}

}  // namespace belay::procedures
