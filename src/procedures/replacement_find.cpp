#include "procedures/replacement.h"
#include "storage/boot_code.h"
#include "storage/device.h"
#include "storage/esp.h"
#include "storage/partition.h"
#include "storage/partition_copy.h"
#include "storage/probe.h"

namespace belay::procedures {
namespace {

using namespace belay::storage;

/// A partition of a disk, or the disk itself where it has no table.
struct Part {
    std::string device, path;  ///< kernel name and stable path
    Content content;
    std::string type;
    uint64_t number = 0;
};

std::string what_is_on(const Inventory& host, const Part& part)
{
    for (const std::string& upper : host.on(part.device)) {
        if (host.array_named(upper) == nullptr) return "part of " + upper;
    }
    for (const Mount* mount : host.mounts_of(part.device)) {
        const bool swap = mount->path == "[SWAP]";
        return swap ? "swap in use" : fmt::format("{}, mounted on {}", part.content.type, mount->path);
    }
    return part.content.type;
}

/// A container of logical partitions, whose own first sectors are part of the table.
bool is_extended(const Part& part)
{
    return part.type == "0x5" || part.type == "0xf" || part.type == "0x85";
}

/// Carried over by steps of its own.
bool starts_host(const Part& part)
{
    return esp::is_esp(part.type) || boot_code::is_bios_boot(part.type);
}

bool is_bare(const Inventory& host, const Part& part)
{
    return host.on(part.device).empty() && host.mounts_of(part.device).empty() && part.content.type.empty();
}

/// Whether an array can be without a member, which is what lets a disk be replaced.
bool has_redundancy(const Array& array)
{
    return array.level == "raid1" || array.level == "raid4" || array.level == "raid5" ||
           array.level == "raid6" || array.level == "raid10";
}

Result<void> can_be_carried(const Array& array, const Part& part)
{
    if (array.metadata.starts_with("external"))
        return fail(ErrorKind::refused,
                    fmt::format("/dev/{} is managed by the firmware's metadata ({}), not by md itself",
                                array.name, array.metadata),
                    fmt::format("mdadm --detail /dev/{}", array.name));
    if (!has_redundancy(array))
        return fail(ErrorKind::refused,
                    fmt::format("/dev/{} is a member of {}, a {}, which has no redundancy: nothing can take "
                                "its place while it serves",
                                part.device, array.name, array.level),
                    "copy what is on it elsewhere");
    if (array.path.empty())
        return fail(ErrorKind::refused,
                    fmt::format("/dev/{} has no stable name under /dev/disk/by-id", array.name),
                    "udevadm trigger --subsystem-match=block");
    return {};
}

const Array* array_of(const Inventory& host, const Part& part)
{
    for (const std::string& upper : host.on(part.device)) {
        if (const Array* array = host.array_named(upper)) return array;
    }
    return nullptr;
}

/// The array that `part` was a member of before it failed and was taken out.
const Array* former_array_of(const Inventory& host, const Part& part)
{
    if (part.content.type != "linux_raid_member") return nullptr;
    const auto found = std::ranges::find(host.arrays, part.content.uuid, &Array::uuid);
    return found == host.arrays.end() ? nullptr : &*found;
}

Result<std::vector<Part>> parts_of(const Disk& disk, const std::optional<PartitionTable>& table)
{
    if (!table) return std::vector<Part>{{disk.name, disk.by_id, disk.content, "", 0}};
    std::vector<Part> parts;
    const auto disagree = [&] {
        return fail(ErrorKind::refused,
                    fmt::format("the kernel and the table do not agree on the partitions of {}", shown(disk)),
                    fmt::format("blockdev --rereadpt /dev/{}", disk.name));
    };
    if (disk.partitions.size() != table->entries.size()) return disagree();
    for (const Partition& partition : disk.partitions) {
        if (std::ranges::find(table->entries, partition.number, &PartitionTable::Entry::number) ==
            table->entries.end())
            return disagree();
        parts.push_back({partition.name, "/dev/disk/by-partuuid/" + partition.uuid, partition.content,
                         partition.type, partition.number});
    }
    return parts;
}

std::string path_on(const Disk& joining, const std::optional<PartitionTable>& table, uint64_t number)
{
    if (!table) return joining.by_id;
    return partition::path_of(*std::ranges::find(table->entries, number, &PartitionTable::Entry::number));
}

Move make_move(const Array& array, const Part& part, const std::string& joining)
{
    const Member* member = array.member(part.device);
    const bool serves = member != nullptr && member->in_sync();
    Move move{.way = !serves                  ? Move::Way::gap
                     : array.level == "raid1" ? Move::Way::leg
                                              : Move::Way::place,
              .array = array,
              .leaving = {part.path, part.device},
              .joining = joining,
              .suffix = {},
              .legs_before = array.legs,
              .legs_left = array.legs};
    return move;
}

/// Each array of the disk, partition by partition. Errors: refused, where there is something else on it.
Result<std::vector<Move>> moves_of(const Inventory& host, const Disk& leaving, const std::vector<Part>& parts,
                                   const Disk& joining, const std::optional<PartitionTable>& table)
{
    std::vector<Move> moves;
    for (const Part& part : parts) {
        const Array* array = array_of(host, part);
        if (array == nullptr) array = former_array_of(host, part);
        if (array != nullptr) {
            TRY(can_be_carried(*array, part));
            moves.push_back(make_move(*array, part, path_on(joining, table, part.number)));
        } else if (table && (starts_host(part) || is_bare(host, part) || is_extended(part))) {
            continue;
        } else {
            const std::string found = what_is_on(host, part);
            return fail(
                ErrorKind::refused,
                fmt::format(
                    "/dev/{} of {} is no member of a running array{}; disk.replace cannot carry it over",
                    part.device, shown(leaving), found.empty() ? "" : fmt::format(" ({})", found)),
                "belay storage show");
        }
    }
    if (moves.empty())
        return fail(ErrorKind::refused, fmt::format("{} carries no array", shown(leaving)),
                    "belay storage show");
    const bool alone = parts.size() == 1;
    for (Move& move : moves) move.suffix = alone ? "" : "-" + move.array.name;
    return moves;
}

/// The arrays of a disk that lack a member and have none to take its place.
std::set<std::string> lacking_arrays_of(const Inventory& host, const Disk& disk)
{
    std::set<std::string> lacking;
    std::vector<std::string> devices = {disk.name};
    for (const Partition& partition : disk.partitions) devices.push_back(partition.name);
    for (const std::string& device : devices) {
        for (const std::string& upper : host.on(device)) {
            const Array* array = host.array_named(upper);
            if (array != nullptr && array->degraded > 0 && array->members_in_sync() == array->members.size())
                lacking.insert(array->uuid);
        }
    }
    return lacking;
}

/// Whose table is copied where the leaving disk is gone.
Result<Disk> healthy_peer(const Inventory& host, const std::string& like)
{
    if (!like.empty()) return lasting_disk(host, like);
    const Disk* peer = nullptr;
    std::set<std::string> arrays;
    for (const Disk& disk : host.disks) {
        const std::set<std::string> lacking = lacking_arrays_of(host, disk);
        if (lacking.empty()) continue;
        if (peer != nullptr && lacking != arrays)
            return fail(
                ErrorKind::usage,
                fmt::format("{} and {} carry different arrays that lack a member", shown(*peer), shown(disk)),
                "say whose table the new disk is to have: --like DISK");
        if (peer == nullptr) arrays = lacking;
        if (peer == nullptr) peer = &disk;
    }
    if (peer == nullptr)
        return fail(ErrorKind::refused, "no array lacks a member, so no disk is gone that could be replaced",
                    "name the disk that leaves: --leaving DISK");
    return lasting_disk(host, peer->by_id.empty() ? peer->name : peer->by_id);
}

/// The table for the joining disk: new ids, and the joining disk's sectors.
Result<std::optional<PartitionTable>> table_for(host::Host& machine, const Disk& joining,
                                                const std::optional<PartitionTable>& table)
{
    if (!table) return table;
    const std::string random = TRY(machine.random(16 * (table->entries.size() + 1)));
    const PartitionTable copy = TRY(partition::with_new_ids(*table, random));
    // Larger sectors are refused by a check, which says so with all the others.
    if (joining.logical_sector >= copy.sector_size) return std::optional(copy);
    return std::optional(TRY(partition::in_sectors_of(copy, joining.logical_sector)));
}

}  // namespace

Result<Replacement> find_replacement(host::Host& machine, const Inventory& host, const ReplacementAsk& ask)
{
    Replacement replacement;
    replacement.joining = TRY(lasting_disk(host, ask.joining));
    if (!ask.leaving.empty()) replacement.leaving = TRY(lasting_disk(host, ask.leaving));
    const bool other_table = !ask.leaving.empty() && !ask.like.empty();
    if (other_table)
        return fail(ErrorKind::usage, "the table is that of the leaving disk: --like is for one that is gone",
                    "leave out --like, or --leaving");
    const Disk like = replacement.leaving ? *replacement.leaving : TRY(healthy_peer(host, ask.like));
    if (like.name == replacement.joining.name)
        return fail(ErrorKind::usage, fmt::format("{} cannot replace itself", shown(like)), "name two disks");

    const std::optional<PartitionTable> table = TRY(read_table(machine, like.by_id));
    replacement.table = TRY(table_for(machine, replacement.joining, table));
    replacement.room = table ? partition::room_for(*replacement.table) : like.size;
    replacement.sector = replacement.table ? replacement.table->sector_size : like.logical_sector;
    const std::vector<Part> parts = TRY(parts_of(like, table));
    replacement.moves = TRY(moves_of(host, like, parts, replacement.joining, replacement.table));
    const BootDisk boot = TRY(read_boot_disk(machine, host, like));
    if (table && (boot.esp || boot.bios_code)) replacement.boot = boot;
    if (!replacement.leaving) {
        for (Move& move : replacement.moves) {
            move.way = Move::Way::gap;
            move.leaving = {};
        }
    }
    return replacement;
}

}  // namespace belay::procedures
