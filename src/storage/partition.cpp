#include "storage/partition.h"

#include "base/invariant.h"
#include "storage/edges.h"
#include "storage/probe.h"

namespace belay::storage::partition {
namespace {

using host::Command;
using host::Effect;
using host::Host;
using operation::Inspection;
using operation::Json;

constexpr uint64_t gpt_entries_size = 128ULL * 128;

/// The copy of a GPT at the end of the disk: its entries and its header.
uint64_t gpt_tail_sectors(uint64_t sector_size)
{
    return gpt_entries_size / sector_size + 1;
}

std::string hex(std::string_view bytes)
{
    std::string text;
    for (const char byte : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    return text;
}

/// A random UUID (version 4) out of 16 random bytes.
std::string uuid_of(std::string_view random)
{
    INVARIANT(random.size() == 16);
    std::string bytes(random);
    bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x40);
    bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);
    const std::string digits = hex(bytes);
    return fmt::format("{}-{}-{}-{}-{}", digits.substr(0, 8), digits.substr(8, 4), digits.substr(12, 4),
                       digits.substr(16, 4), digits.substr(20));
}

std::string lower(std::string text)
{
    for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    return text;
}

/// As sfdisk writes and reads texts in scripts: what would end them, or mean something else, by its number.
std::string in_quotes(std::string_view text)
{
    std::string script = "\"";
    for (const char c : text) {
        const bool plain =
            static_cast<unsigned char>(c) >= ' ' && c != '"' && c != '\\' && c != '`' && c != '$';
        script += plain ? std::string(1, c) : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
    return script + "\"";
}

/// sfdisk's script for a table: sfdisk(8), "INPUT FORMATS".
std::string script_of(const PartitionTable& table)
{
    std::string script = fmt::format("label: {}\nlabel-id: {}\nunit: sectors\n", table.label, table.id);
    if (table.label == "gpt") script += fmt::format("first-lba: {}\n", table.first_usable);
    script += "\n";
    for (const PartitionTable::Entry& entry : table.entries) {
        // Numbers may have gaps; without its number a partition would get the next free one.
        script +=
            fmt::format("{} : start={}, size={}, type={}", entry.number, entry.start, entry.size, entry.type);
        if (table.label == "gpt") script += ", uuid=" + entry.uuid;
        if (!entry.name.empty()) script += ", name=" + in_quotes(entry.name);
        if (!entry.attributes.empty()) script += fmt::format(", attrs=\"{}\"", entry.attributes);
        if (entry.bootable) script += ", bootable";
        script += "\n";
    }
    return script;
}

Json table_arguments(const std::string& disk, const PartitionTable& table)
{
    Json ids = Json::array();
    for (const PartitionTable::Entry& entry : table.entries) ids.push_back(lower(entry.uuid));
    return {{"disk", disk},
            {"size", 0},
            {"table_id", lower(table.id)},
            {"partuuids", std::move(ids)},
            {"script", script_of(table)}};
}

Command sfdisk_command(const Json& arguments)
{
    return {
        .argv = {"sfdisk", "--quiet", "--wipe", "never", "--wipe-partitions", "never", arguments.at("disk")},
        .effect = Effect::changes,
        .input = arguments.at("script")};
}

Command reread_command(const Json& arguments)
{
    return {.argv = {"blockdev", "--rereadpt", arguments.at("disk")}, .effect = Effect::changes};
}

Result<void> settle(Host& host)
{
    TRY(host.run({.argv = {"udevadm", "settle", "--timeout=30"}}));
    return {};
}

Bytes size_in(const Json& arguments)
{
    return {arguments.at("size").get<uint64_t>()};
}

/// Whether the kernel has a partition of that disk: "sda1" of "sda", "nvme0n1p1" of "nvme0n1".
Result<bool> kernel_knows_partitions(Host& host, const std::string& disk)
{
    const std::string name = TRY(device_at(host, disk));
    for (const std::string& device : TRY(host.list("/sys/class/block"))) {
        if (!device.starts_with(name) || device == name) continue;
        std::string_view number = std::string_view(device).substr(name.size());
        if (number.starts_with('p')) number.remove_prefix(1);
        if (!number.empty() && number.find_first_not_of("0123456789") == std::string_view::npos) return true;
    }
    return false;
}

class WriteTable final : public operation::Action {
  public:
    Result<Inspection> inspect(Host& host, const Json& arguments) const override
    {
        const std::optional<PartitionTable> table =
            TRY(read_table(host, arguments.at("disk").get<std::string>()));
        using Found = Inspection::Found;
        if (!table) return Inspection{Found::absent, "no table"};
        std::vector<std::string> found;
        for (const PartitionTable::Entry& entry : table->entries) found.push_back(lower(entry.uuid));
        const std::vector<std::string> wanted = arguments.at("partuuids");
        if (lower(table->id) != arguments.at("table_id").get<std::string>() || found != wanted)
            return Inspection{Found::partial, "another table"};
        for (const std::string& uuid : wanted) {
            if (!TRY(device_if_there(host, "/dev/disk/by-partuuid/" + uuid)))
                return Inspection{Found::partial, "the kernel does not know the partitions yet"};
        }
        return Inspection{Found::done, fmt::format("{} partitions", wanted.size())};
    }

    Result<Json> remember(Host& host, const Json& arguments) const override
    {
        return packed(TRY(read_edges(host, arguments.at("disk"), size_in(arguments))));
    }

    Result<void> apply(Host& host, const Json& arguments) const override
    {
        TRY(run_checked(host, sfdisk_command(arguments)));
        return settle(host);
    }

    Result<std::string> remains(Host& host, const Json& arguments, const Json& remembered) const override
    {
        const std::string disk = arguments.at("disk");
        if (!TRY(device_if_there(host, disk)))
            return std::string();  // it was pulled: nothing of ours is on this host
        const bool same = TRY(read_edges(host, disk, size_in(arguments))) == TRY(unpacked_edges(remembered));
        if (!same) return fmt::format("a partition table on {}", disk);
        // The links are udev's, and may go before the kernel lets go of the partitions.
        if (TRY(kernel_knows_partitions(host, disk)))
            return fmt::format("partitions of {} that the kernel still knows", disk);
        return std::string();
    }

    Result<void> revert(Host& host, const Json& arguments, const Json& remembered) const override
    {
        const std::string disk = arguments.at("disk");
        TRY(write_edges(host, disk, size_in(arguments), TRY(unpacked_edges(remembered))));
        TRY(settle(
            host));  // udev looks at what was written, and the kernel rereads no table while somebody looks
        TRY(run_checked(host, reread_command(arguments)));
        return settle(host);
    }
};

}  // namespace

Result<PartitionTable> with_new_ids(const PartitionTable& table, std::string_view random)
{
    INVARIANT(random.size() >= 16 * (table.entries.size() + 1));
    PartitionTable copy = table;
    if (table.label == "gpt") {
        copy.id = uuid_of(random.substr(0, 16));
        for (size_t i = 0; i < copy.entries.size(); ++i)
            copy.entries[i].uuid = uuid_of(random.substr(16 * (i + 1), 16));
        return copy;
    }
    if (table.label != "dos")
        return fail(ErrorKind::usage,
                    fmt::format("a partition table of the kind \"{}\" cannot be copied", table.label),
                    "only GPT and MBR can");
    const std::string digits = hex(random.substr(0, 4));
    copy.id = "0x" + digits;
    for (PartitionTable::Entry& entry : copy.entries) entry.uuid = mbr_uuid(copy.id, entry.number);
    return copy;
}

PartitionTable in_sectors_of(const PartitionTable& table, uint64_t sector_size)
{
    INVARIANT(sector_size > 0 && table.sector_size % sector_size == 0);
    const uint64_t scale = table.sector_size / sector_size;
    PartitionTable copy = table;
    copy.sector_size = sector_size;
    copy.first_usable *= scale;
    copy.last_usable *= scale;
    for (PartitionTable::Entry& entry : copy.entries) {
        entry.start *= scale;
        entry.size *= scale;
    }
    return copy;
}

std::string path_of(const PartitionTable::Entry& entry)
{
    return "/dev/disk/by-partuuid/" + lower(entry.uuid);
}

Bytes room_for(const PartitionTable& table)
{
    uint64_t end = 0;
    for (const PartitionTable::Entry& entry : table.entries) end = std::max(end, entry.start + entry.size);
    if (table.label == "gpt") end += gpt_tail_sectors(table.sector_size);
    return {end * table.sector_size};
}

operation::Act write_table(const Disk& disk, const PartitionTable& table)
{
    Json arguments = table_arguments(disk.by_id, table);
    arguments["size"] = disk.size.count;
    const Command command = sfdisk_command(arguments);
    return {"partition.write_table",
            arguments,
            {command.to_text()},
            {edges_hint(disk.by_id), reread_command(arguments).to_text()}};
}

void fill(operation::Catalogue& catalogue)
{
    catalogue.add("partition.write_table", std::make_unique<WriteTable>());
}

}  // namespace belay::storage::partition
