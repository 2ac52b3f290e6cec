#include "storage/listing.h"

#include "storage/parse/fields.h"
#include "storage/parse/lines.h"

namespace belay::storage {
namespace {

using parse::number_of;
using parse::text_of;
using parse::trailing_number;

/// What is not said is not so.
bool is_set(const Json& json, const char* key)
{
    return parse::flag_of(json, key).value_or(false);
}

/// The list under `key` of a tool's object. Errors: corrupt.
Result<Json> list_of(std::string_view text, const char* key, std::string_view tool)
{
    Json json = TRY(parse_json(text));
    const auto found = json.find(key);
    if (!json.is_object() || found == json.end() || !found->is_array())
        return fail(ErrorKind::corrupt,
                    fmt::format("this is not what {} says in JSON: it has no list \"{}\"", tool, key));
    return std::move(*found);
}

}  // namespace

const char* const lsblk_columns =
    "KNAME,PKNAME,TYPE,SIZE,MODEL,SERIAL,WWN,PTTYPE,PTUUID,PARTTYPE,PARTUUID,START,LOG-SEC,PHY-SEC,ROTA,RO,"
    "FSTYPE,UUID,LABEL";

const char* const lsblk_identity_columns = "KNAME,TYPE,SIZE,SERIAL,WWN";

Result<std::vector<ListedDevice>> parse_lsblk(std::string_view text)
{
    std::vector<ListedDevice> devices;
    for (const Json& row : TRY(list_of(text, "blockdevices", "lsblk"))) {
        if (!row.is_object() || text_of(row, "kname").empty()) continue;
        devices.push_back({.name = text_of(row, "kname"),
                           .type = text_of(row, "type"),
                           .parent = text_of(row, "pkname"),
                           .size = number_of(row, "size").value_or(0),
                           .model = text_of(row, "model"),
                           .serial = text_of(row, "serial"),
                           .wwn = text_of(row, "wwn"),
                           .table = text_of(row, "pttype"),
                           .table_id = text_of(row, "ptuuid"),
                           .partition_type = text_of(row, "parttype"),
                           .partition_uuid = text_of(row, "partuuid"),
                           .start = number_of(row, "start"),
                           .logical_sector = number_of(row, "log-sec").value_or(512),
                           .physical_sector = number_of(row, "phy-sec").value_or(512),
                           .rotational = is_set(row, "rota"),
                           .read_only = is_set(row, "ro"),
                           .content = {text_of(row, "fstype"), text_of(row, "uuid"), text_of(row, "label")}});
    }
    return devices;
}

const char* const findmnt_columns = "MAJ:MIN,TARGET,FSTYPE,OPTIONS";

Result<std::vector<ListedMount>> parse_findmnt(std::string_view text)
{
    std::vector<ListedMount> mounts;
    for (const Json& row : TRY(list_of(text, "filesystems", "findmnt"))) {
        if (!row.is_object() || text_of(row, "target").empty()) continue;
        mounts.push_back({text_of(row, "maj:min"), text_of(row, "target"), text_of(row, "fstype"),
                          text_of(row, "options")});
    }
    return mounts;
}

std::string mbr_uuid(std::string_view disk_id, uint64_t number)
{
    if (disk_id.starts_with("0x")) disk_id.remove_prefix(2);
    return fmt::format("{}-{:02x}", disk_id, number);
}

Result<PartitionTable> parse_sfdisk(std::string_view text)
{
    const Json json = TRY(parse_json(text));
    const auto found = json.find("partitiontable");
    if (!json.is_object() || found == json.end() || !found->is_object())
        return fail(ErrorKind::corrupt, "this is not what sfdisk says in JSON: it has no \"partitiontable\"");
    PartitionTable table{.label = text_of(*found, "label"),
                         .id = text_of(*found, "id"),
                         .first_usable = number_of(*found, "firstlba").value_or(0),
                         .last_usable = number_of(*found, "lastlba").value_or(0),
                         .sector_size = number_of(*found, "sectorsize").value_or(512),
                         .entries = {}};
    const auto rows = found->find("partitions");
    if (rows == found->end() || !rows->is_array()) return table;
    for (const Json& row : *rows) {
        const auto start = number_of(row, "start");
        const auto size = number_of(row, "size");
        if (!start || !size)
            return fail(ErrorKind::corrupt,
                        fmt::format("the partition {} has no start or no size", text_of(row, "node")));
        const std::string node = text_of(row, "node");
        const auto number = trailing_number(node);
        if (!number) return fail(ErrorKind::corrupt, fmt::format("the partition {} has no number", node));
        const std::string uuid = text_of(row, "uuid");
        table.entries.push_back({.node = node,
                                 .type = text_of(row, "type"),
                                 .name = text_of(row, "name"),
                                 .attributes = text_of(row, "attrs"),
                                 .uuid = uuid.empty() ? mbr_uuid(table.id, *number) : uuid,
                                 .number = *number,
                                 .start = *start,
                                 .size = *size,
                                 .bootable = is_set(row, "bootable")});
    }
    return table;
}

std::map<std::string, std::string> parse_export(std::string_view text)
{
    std::map<std::string, std::string> values;
    while (!text.empty()) {
        const size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const size_t equals = line.find('=');
        if (equals != std::string_view::npos && equals > 0)
            values.emplace(line.substr(0, equals), line.substr(equals + 1));
    }
    return values;
}

}  // namespace belay::storage
