#include "storage/parse/sfdisk_dump.h"

#include "storage/parse/fields.h"
#include "storage/parse/lines.h"

namespace belay::storage::parse {
namespace {

constexpr std::string_view sfdisk_command = "sfdisk --dump";

int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/// A value up to the next comma that stands outside of quotes, without them; sfdisk writes a quote within as
/// \x22. Nothing where the quotes have no end.
std::optional<std::string> take_value(std::string_view& rest)
{
    std::string value;
    bool quoted = false;
    size_t at = 0;
    for (; at < rest.size() && (quoted || rest[at] != ','); ++at) {
        const std::string_view here = rest.substr(at);
        if (here.front() == '"') {
            quoted = !quoted;
        } else if (here.size() > 3 && here.starts_with("\\x") && hex_digit(here[2]) >= 0 &&
                   hex_digit(here[3]) >= 0) {
            value += static_cast<char>(hex_digit(here[2]) * 16 + hex_digit(here[3]));
            at += 3;
        } else if (here.size() > 1 && (here.starts_with("\\\"") || here.starts_with("\\\\"))) {
            value += here[1];
            ++at;
        } else {
            value += here.front();
        }
    }
    rest.remove_prefix(std::min(at + 1, rest.size()));
    if (quoted) return std::nullopt;
    return std::string(trimmed(value));
}

/// "start= 2048, size= 123, type=83, bootable" as fields; a word alone has an empty value.
std::optional<std::map<std::string, std::string>> fields_of(std::string_view rest)
{
    std::map<std::string, std::string> fields;
    while (!trimmed(rest).empty()) {
        const size_t end = rest.find_first_of("=,");
        const std::string_view name = trimmed(rest.substr(0, end));
        const bool has_value = end != std::string_view::npos && rest[end] == '=';
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        const auto value = has_value ? take_value(rest) : std::string();
        if (!value || name.empty()) return std::nullopt;
        fields.emplace(name, *value);
    }
    return fields;
}

std::string taken(std::map<std::string, std::string>& fields, const char* name)
{
    const auto node = fields.extract(name);
    return node.empty() ? std::string() : std::move(node.mapped());
}

/// "/dev/sda1 : start=        2048, size=     1048576, type=83"
Result<void> read_partition(SfdiskDump& dump, const Line& line, size_t colon)
{
    auto fields = fields_of(line.text.substr(colon + 3));
    const std::string node(trimmed(line.text.substr(0, colon)));
    const auto number = trailing_number(node);
    if (!fields || !number)
        return foreign(sfdisk_command, line.number, fmt::format("the partition {} is not understood", node));
    const auto start = whole_number(taken(*fields, "start")), size = whole_number(taken(*fields, "size"));
    if (!start || !size)
        return foreign(sfdisk_command, line.number, fmt::format("{} has no start or no size", node));
    const std::string old_type = taken(*fields, "Id");
    PartitionTable::Entry entry;
    entry.node = node;
    entry.number = *number;
    entry.start = *start;
    entry.size = *size;
    entry.type = old_type.empty() ? taken(*fields, "type") : old_type;
    entry.uuid = taken(*fields, "uuid");
    entry.name = taken(*fields, "name");
    entry.attributes = taken(*fields, "attrs");
    entry.bootable = fields->contains("bootable");
    fields->erase("bootable");
    // Versions before 2.26 name the four places of an MBR, also the empty ones.
    if (*size == 0 && (entry.type.empty() || entry.type == "0")) return {};
    if (entry.type.empty()) return foreign(sfdisk_command, line.number, fmt::format("{} has no type", node));
    if (!fields->empty()) dump.other.emplace(node, std::move(*fields));
    dump.table.entries.push_back(std::move(entry));
    return {};
}

void read_header(SfdiskDump& dump, std::string_view text)
{
    const size_t colon = text.find(':');
    const std::string_view name = trimmed(text.substr(0, colon));
    if (colon == std::string_view::npos || name.empty() || name.find(' ') != std::string_view::npos) return;
    dump.headers.emplace(name, trimmed(text.substr(colon + 1)));
}

Result<void> read_headers(SfdiskDump& dump, bool old)
{
    const auto header = [&](const char* name) {
        const auto found = dump.headers.find(name);
        return found == dump.headers.end() ? std::string() : found->second;
    };
    dump.table.label = header("label");
    dump.table.id = header("label-id");
    if (!header("device").empty()) dump.device = header("device");
    dump.sector_size = whole_number(header("sector-size"));
    dump.table.sector_size = dump.sector_size.value_or(512);
    dump.table.first_usable = whole_number(header("first-lba")).value_or(0);
    dump.table.last_usable = whole_number(header("last-lba")).value_or(0);
    if (header("unit") != "sectors") return foreign(sfdisk_command, 1, "it does not say \"unit: sectors\"");
    if (!old && dump.table.label.empty())
        return foreign(sfdisk_command, 1, "it does not say which label the table has");
    if (dump.table.label == "gpt" && (dump.table.first_usable == 0 || dump.table.last_usable == 0))
        return cut(sfdisk_command, "a GPT has its first-lba and last-lba");
    if (dump.table.label != "dos") return {};
    for (PartitionTable::Entry& entry : dump.table.entries) {
        if (entry.uuid.empty() && !dump.table.id.empty()) entry.uuid = mbr_uuid(dump.table.id, entry.number);
    }
    return {};
}

}  // namespace

Result<SfdiskDump> parse_sfdisk_dump(std::string_view text)
{
    constexpr std::string_view old_title = "# partition table of ";
    const std::vector<Line> lines = TRY(lines_of(text, sfdisk_command));
    SfdiskDump dump;
    bool old = false;
    for (const Line& line : lines) {
        if (line.text.starts_with(old_title)) {
            if (old) return foreign(sfdisk_command, line.number, "a second table begins here");
            old = true;
            dump.device = line.text.substr(old_title.size());
        }
        if (line.text.empty() || line.text.starts_with('#')) continue;
        const size_t colon = line.text.find(" : ");
        if (colon != std::string_view::npos && line.text.find("start=") != std::string_view::npos) {
            TRY(read_partition(dump, line, colon));
        } else {
            const bool again = line.text.starts_with("label:") && dump.headers.contains("label");
            if (again) return foreign(sfdisk_command, line.number, "a second table begins here");
            read_header(dump, line.text);
        }
    }
    TRY(read_headers(dump, old));
    if (!text.ends_with('\n')) return cut(sfdisk_command, "its last line has no end");
    return dump;
}

void to_json(Json& json, const SfdiskDump& dump)
{
    const PartitionTable& table = dump.table;
    json = {{"headers", dump.headers}, {"partitions", Json::array()}};
    put(json, "label", table.label);
    put(json, "label_id", table.id);
    put(json, "device", dump.device);
    put(json, "sector_size", dump.sector_size);
    if (table.last_usable > 0) json["first_lba"] = table.first_usable;
    if (table.last_usable > 0) json["last_lba"] = table.last_usable;
    put(json, "table_length", number_of(dump.headers, "table-length"));
    put(json, "grain", number_of(dump.headers, "grain"));
    for (const PartitionTable::Entry& entry : table.entries) {
        Json partition = {{"node", entry.node},    {"number", entry.number}, {"start_sector", entry.start},
                          {"sectors", entry.size}, {"type", entry.type},     {"bootable", entry.bootable}};
        if (dump.sector_size) put(partition, "size", times(entry.size, *dump.sector_size));
        put(partition, "uuid", entry.uuid);
        put(partition, "name", entry.name);
        put(partition, "attrs", entry.attributes);
        const auto other = dump.other.find(entry.node);
        if (other != dump.other.end()) put(partition, "other", other->second);
        json["partitions"].push_back(std::move(partition));
    }
}

}  // namespace belay::storage::parse
