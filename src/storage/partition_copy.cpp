#include "storage/partition_copy.h"

#include "storage/probe.h"
#include "storage/uses.h"

namespace belay::storage::partition {
namespace {

using operation::Finding;
using operation::Verdict;
using CopyJson = operation::Json;

constexpr uint64_t mbr_sectors = 1ULL << 32;
constexpr uint64_t most_gpt_entries = 128;

std::unexpected<Error> does_not_fit(const PartitionTable::Entry& entry, uint64_t sector, std::string_view why)
{
    return fail(ErrorKind::refused,
                fmt::format("partition {} {} on a disk with sectors of {} bytes", entry.number, why, sector),
                "take a disk with the same logical sectors");
}

/// The first sector that a GPT leaves free: behind the MBR, its header and its 128 entries.
uint64_t first_behind_gpt(uint64_t sector)
{
    constexpr uint64_t entry_size = 128;
    return 2 + (most_gpt_entries * entry_size + sector - 1) / sector;
}

bool starts_by_itself(const Content& content)
{
    return content.type.ends_with("_member");
}

/// What blkid finds at a place of a disk, partition or not.
Result<std::string> type_at(host::Host& host, const std::string& disk, uint64_t offset, uint64_t size)
{
    const host::Command command{.argv = {"blkid", "--probe", "--offset", fmt::format("{}", offset), "--size",
                                         fmt::format("{}", size), "--output", "export", disk}};
    const host::Outcome outcome = TRY(host.run(command));
    constexpr int nothing_recognised = 2, ambivalent = 8;
    if (outcome.exit_code == nothing_recognised) return std::string();
    if (outcome.exit_code == ambivalent) return std::string("two things at once");
    if (outcome.exit_code != 0)
        return std::unexpected(Error{.what = fmt::format("blkid cannot read {}", disk),
                                     .argv = command.argv,
                                     .exit_code = outcome.exit_code,
                                     .output = outcome.err.substr(0, 4096)});
    return parse_export(outcome.out)["TYPE"];
}

Result<Finding> ask_is_free_for(host::Host& host, const CopyJson& arguments)
{
    const std::string path = arguments.at("disk");
    const Inventory inventory = TRY(read_inventory(host));
    const Disk disk = TRY(inventory.disk(path));
    std::vector<std::string> against = uses_of(inventory, disk), notes;
    std::string mend = "take another disk; this one is in use";
    if (against.empty()) mend = fmt::format("if nothing on it is needed: wipefs --all {}", path);
    const Content whole = TRY(read_content(host, path));
    if (!whole.type.empty()) against.push_back(fmt::format("/dev/{} holds {}", disk.name, whole.type));
    if (disk.read_only) against.emplace_back("it is read-only");
    for (const Partition& partition : disk.partitions) {
        if (starts_by_itself(partition.content))
            against.push_back(fmt::format("/dev/{} holds {}", partition.name, partition.content.type));
        else if (!partition.content.type.empty())
            notes.push_back(
                fmt::format("/dev/{} holds {}, and goes", partition.name, partition.content.type));
    }
    for (const CopyJson& place : arguments.at("places")) {
        const std::string type = TRY(type_at(host, path, place.at("offset"), place.at("size")));
        if (type.empty()) continue;
        const bool comes_up = type.ends_with("_member") || type == "two things at once";
        (comes_up ? against : notes)
            .push_back(fmt::format("the new partition {} will hold {}, which is there from before",
                                   place.at("number").get<uint64_t>(), type));
    }
    const std::string wanted = "a disk that nothing uses, and nothing on it that would start by itself";
    if (!against.empty())
        return Finding{Verdict::fail, fmt::format("{}: {}", shown(disk), fmt::join(against, ", ")), wanted,
                       mend};
    if (!notes.empty()) return Finding{Verdict::warn, fmt::format("{}", fmt::join(notes, ", ")), wanted};
    return Finding{Verdict::pass, disk.table.empty() ? "blank" : "a table that nothing uses", wanted};
}

Result<Finding> ask_ids_are_unique(host::Host& host, const CopyJson& arguments)
{
    const std::string except = arguments.at("except");
    const Inventory inventory = TRY(read_inventory(host));
    std::map<std::string, std::pair<const Disk*, std::string>> seen;
    std::vector<std::string> twice;
    for (const Disk& disk : inventory.disks) {
        if (!except.empty() && disk.by_id == except) continue;
        for (const Partition& partition : disk.partitions) {
            if (partition.uuid.empty()) continue;
            const auto [first, fresh] = seen.try_emplace(partition.uuid, &disk, partition.name);
            if (fresh) continue;
            const Disk& other = *first->second.first;
            if (&other != &disk && !disk.serial.empty() && disk.serial == other.serial) continue;
            twice.push_back(fmt::format("/dev/{} and /dev/{} are both {}", first->second.second,
                                        partition.name, partition.uuid));
        }
    }
    return Finding{twice.empty() ? Verdict::pass : Verdict::fail,
                   twice.empty() ? fmt::format("{} partitions, all different", seen.size())
                                 : fmt::format("{}", fmt::join(twice, ", ")),
                   "no two partitions with the same PARTUUID",
                   "give one of them a new one: sfdisk --part-uuid DISK NUMBER $(uuidgen)"};
}

}  // namespace

Result<PartitionTable> in_sectors_of(const PartitionTable& table, uint64_t sector)
{
    if (table.sector_size == sector) return table;
    PartitionTable copy = table;
    copy.sector_size = sector;
    const auto scaled = [&](uint64_t count) { return count * table.sector_size / sector; };
    const uint64_t first = table.label == "gpt" ? first_behind_gpt(sector) : 1;
    uint64_t earliest = UINT64_MAX;
    for (PartitionTable::Entry& entry : copy.entries) {
        if (entry.start * table.sector_size % sector != 0 || entry.size * table.sector_size % sector != 0)
            return does_not_fit(entry, sector, "cannot lie at the same place");
        entry.start = scaled(entry.start);
        entry.size = scaled(entry.size);
        if (entry.start < first)
            return does_not_fit(entry, sector, "lies where the table itself wants to be");
        if (table.label != "gpt" && entry.start + entry.size > mbr_sectors)
            return does_not_fit(entry, sector, "lies beyond what an MBR can count");
        earliest = std::min(earliest, entry.start);
    }
    if (table.label == "gpt")
        copy.first_usable = std::min(std::max(first, scaled(table.first_usable)), earliest);
    return copy;
}

Result<void> can_be_copied(const PartitionTable& table, const std::string& shown)
{
    if (table.entries.empty())
        return fail(ErrorKind::refused, fmt::format("the table of {} has no partition", shown),
                    "belay storage show");
    for (const PartitionTable::Entry& entry : table.entries) {
        const bool chain = entry.type == "5" || entry.type == "f" || entry.type == "85" || entry.number > 4;
        if (table.label == "dos" && chain)
            return fail(ErrorKind::refused,
                        fmt::format("{} has logical partitions, whose tables lie between the partitions and "
                                    "cannot be kept for the way back",
                                    shown),
                        "make a GPT of it first: sgdisk --mbrtogpt");
        if (entry.number > most_gpt_entries)
            return fail(ErrorKind::refused,
                        fmt::format("{} has a partition {}; tables of {} are copied", shown, entry.number,
                                    most_gpt_entries),
                        "sfdisk --dump " + shown);
    }
    return {};
}

Result<void> reaches_the_end(const PartitionTable& table, const Disk& disk)
{
    if (table.label != "dos" || disk.size.count <= mbr_sectors * disk.logical_sector) return {};
    return fail(ErrorKind::refused,
                fmt::format("{} has {}, and an MBR ends at {}: it wants a GPT", shown(disk),
                            to_text(disk.size), to_text(Bytes{mbr_sectors * disk.logical_sector})),
                "make a GPT of the source's table first (sgdisk --mbrtogpt), or take a smaller disk");
}

operation::Question is_free_for(const Disk& disk, const PartitionTable& table)
{
    CopyJson places = CopyJson::array();
    for (const PartitionTable::Entry& entry : table.entries)
        places.push_back({{"number", entry.number},
                          {"offset", entry.start * table.sector_size},
                          {"size", entry.size * table.sector_size}});
    return {"partition.is_free_for", {{"disk", disk.by_id}, {"places", std::move(places)}}};
}

operation::Question ids_are_unique(const std::string& except)
{
    return {"partition.ids_are_unique", {{"except", except}}};
}

void fill_copy(operation::Catalogue& catalogue)
{
    catalogue.add_condition("partition.is_free_for", ask_is_free_for);
    catalogue.add_condition("partition.ids_are_unique", ask_ids_are_unique);
}

}  // namespace belay::storage::partition
