#include "simulated_disk.h"

#include <cstring>

namespace belay::simulated {
namespace {

using storage::PartitionTable;

constexpr uint64_t superblock_at = 4096, superblock_size = 4096;
constexpr uint64_t bitmap_at = 8192;
constexpr uint64_t filesystem_at = 1024, filesystem_size = 512;
constexpr uint64_t files_at = 2048;
constexpr std::string_view gpt_magic = "EFI PART", md_magic = "\xfc\x4e\x2b\xa9", filesystem_magic = "SIMFS",
                           files_magic = "FILES";
constexpr uint64_t mbr_entries_at = 446;

/// JSON behind a magic number, zeros up to `size`.
std::string block(std::string_view magic, const Json& json, uint64_t size)
{
    std::string bytes = std::string(magic) + json.dump();
    bytes.resize(size);
    return bytes;
}

std::optional<Json> json_in(const std::string& bytes, std::string_view magic)
{
    if (!bytes.starts_with(magic)) return std::nullopt;
    const std::string_view text = std::string_view(bytes).substr(magic.size());
    Result<Json> json = parse_json(text.substr(0, text.find('\0')));
    return json ? std::optional(*std::move(json)) : std::nullopt;
}

template <typename Number>
Number number_at(const std::string& bytes, size_t at)
{
    Number number = 0;
    std::memcpy(&number, bytes.data() + at, sizeof(number));
    return number;
}

template <typename Number>
void put_number(std::string& bytes, size_t at, Number number)
{
    std::memcpy(bytes.data() + at, &number, sizeof(number));
}

PartitionTable read_mbr(const std::string& sector, uint64_t sector_size)
{
    PartitionTable table{.label = "dos",
                         .id = fmt::format("0x{:08x}", number_at<uint32_t>(sector, 440)),
                         .sector_size = sector_size,
                         .entries = {}};
    for (uint64_t i = 0; i < 4; ++i) {
        const size_t at = mbr_entries_at + 16 * i;
        const auto type = number_at<uint8_t>(sector, at + 4);
        if (type == 0) continue;
        table.entries.push_back({.node = {},
                                 .type = fmt::format("{:x}", type),
                                 .name = {},
                                 .attributes = {},
                                 .uuid = storage::mbr_uuid(table.id, i + 1),
                                 .number = i + 1,
                                 .start = number_at<uint32_t>(sector, at + 8),
                                 .size = number_at<uint32_t>(sector, at + 12),
                                 .bootable = number_at<uint8_t>(sector, at) == 0x80});
    }
    return table;
}

PartitionTable table_from(const Json& json, uint64_t sector_size)
{
    PartitionTable table{.label = "gpt",
                         .id = json.at("id"),
                         .first_usable = json.at("first"),
                         .last_usable = json.at("last"),
                         .sector_size = sector_size,
                         .entries = {}};
    for (const Json& entry : json.at("entries"))
        table.entries.push_back({.node = {},
                                 .type = entry.at("type"),
                                 .name = entry.at("name"),
                                 .attributes = entry.at("attributes"),
                                 .uuid = entry.at("uuid"),
                                 .number = entry.at("number"),
                                 .start = entry.at("start"),
                                 .size = entry.at("size")});
    return table;
}

Json json_of(const PartitionTable& table)
{
    Json entries = Json::array();
    for (const PartitionTable::Entry& entry : table.entries)
        entries.push_back({{"type", entry.type},
                           {"name", entry.name},
                           {"attributes", entry.attributes},
                           {"uuid", entry.uuid},
                           {"number", entry.number},
                           {"start", entry.start},
                           {"size", entry.size}});
    return {
        {"id", table.id}, {"first", table.first_usable}, {"last", table.last_usable}, {"entries", entries}};
}

}  // namespace

uint64_t gpt_sectors(uint64_t sector_size)
{
    return 1 + 128ULL * 128 / sector_size;
}

std::optional<PartitionTable> table_on(const Range& disk, uint64_t sector_size)
{
    const std::string mbr = disk.read(0, 512);
    if (!mbr.ends_with("\x55\xaa")) return std::nullopt;
    if (number_at<uint8_t>(mbr, mbr_entries_at + 4) != 0xee) return read_mbr(mbr, sector_size);
    const uint64_t length = gpt_sectors(sector_size) * sector_size;
    for (const uint64_t at : {sector_size, disk.size - length}) {
        if (const auto json = json_in(disk.read(at, length), gpt_magic))
            return table_from(*json, sector_size);
    }
    return std::nullopt;
}

void write_table(const Range& disk, const PartitionTable& table)
{
    std::string mbr(512, '\0');
    put_number<uint16_t>(mbr, 510, 0xaa55);
    if (table.label == "gpt") {
        put_number<uint8_t>(mbr, mbr_entries_at + 4, 0xee);
        const uint64_t length = gpt_sectors(table.sector_size) * table.sector_size;
        const std::string gpt = block(gpt_magic, json_of(table), length);
        disk.write(table.sector_size, gpt);
        disk.write(disk.size - length, gpt);
    } else {
        put_number(mbr, 440, static_cast<uint32_t>(std::stoul(table.id, nullptr, 16)));
        for (const PartitionTable::Entry& entry : table.entries) {
            const size_t at = mbr_entries_at + 16 * (entry.number - 1);
            put_number<uint8_t>(mbr, at, entry.bootable ? 0x80 : 0);
            put_number(mbr, at + 4, static_cast<uint8_t>(std::stoul(entry.type, nullptr, 16)));
            put_number(mbr, at + 8, static_cast<uint32_t>(entry.start));
            put_number(mbr, at + 12, static_cast<uint32_t>(entry.size));
        }
    }
    disk.write(0, mbr);
}

std::optional<Superblock> superblock_on(const Range& member)
{
    if (member.size < bitmap_at) return std::nullopt;
    const auto json = json_in(member.read(superblock_at, superblock_size), md_magic);
    if (!json) return std::nullopt;
    return Superblock{.array = json->at("array"),
                      .name = json->at("name"),
                      .level = json->at("level"),
                      .device = json->at("device"),
                      .legs = json->at("legs"),
                      .events = json->at("events"),
                      .data_offset = json->at("data_offset"),
                      .data_size = json->at("data_size"),
                      .recovered = json->at("recovered"),
                      .bitmap = json->at("bitmap"),
                      .roles = json->at("roles")};
}

void write_superblock(const Range& member, const Superblock& superblock)
{
    const Json json = {{"array", superblock.array},
                       {"name", superblock.name},
                       {"level", superblock.level},
                       {"device", superblock.device},
                       {"legs", superblock.legs},
                       {"events", superblock.events},
                       {"data_offset", superblock.data_offset},
                       {"data_size", superblock.data_size},
                       {"recovered", superblock.recovered},
                       {"bitmap", superblock.bitmap},
                       {"roles", superblock.roles}};
    member.write(superblock_at, block(md_magic, json, superblock_size));
    if (superblock.bitmap) member.write(bitmap_at, "bitm");
}

void erase_superblock(const Range& member)
{
    member.write(superblock_at, std::string(superblock_size, '\0'));  // mdadm leaves the bitmap
}

std::optional<storage::Content> filesystem_on(const Range& range)
{
    if (range.size < filesystem_at + filesystem_size) return std::nullopt;
    const auto json = json_in(range.read(filesystem_at, filesystem_size), filesystem_magic);
    if (!json) return std::nullopt;
    return storage::Content{json->at("type"), json->at("uuid"), json->at("label")};
}

uint64_t filesystem_size_on(const Range& range)
{
    if (!filesystem_on(range)) return 0;
    return json_in(range.read(filesystem_at, filesystem_size), filesystem_magic)->at("size");
}

void write_filesystem(const Range& range, const storage::Content& content, uint64_t size)
{
    range.write(
        filesystem_at,
        block(filesystem_magic,
              {{"type", content.type}, {"uuid", content.uuid}, {"label", content.label}, {"size", size}},
              filesystem_size));
}

Files files_on(const Range& range)
{
    const auto json = json_in(range.read(files_at, range.size - files_at), files_magic);
    return json ? json->get<Files>() : Files();
}

void write_files(const Range& range, const Files& files)
{
    range.write(files_at, block(files_magic, Json(files), range.size - files_at));
}

}  // namespace belay::simulated
