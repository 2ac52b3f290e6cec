#include "simulated_script.h"

#include "simulated_disk.h"

namespace belay::simulated {
namespace {

using storage::PartitionTable;

std::string_view trimmed(std::string_view text)
{
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ')) text.remove_suffix(1);
    return text;
}

/// What is between quotes; "\\x22" is a character by its number.
std::string unquoted(std::string_view text)
{
    if (text.size() < 2 || !text.starts_with('"') || !text.ends_with('"')) return std::string(text);
    text = text.substr(1, text.size() - 2);
    std::string plain;
    for (size_t i = 0; i < text.size(); ++i) {
        const bool by_number = text.substr(i).starts_with("\\x") && i + 3 < text.size();
        plain += by_number ? static_cast<char>(std::stoi(std::string(text.substr(i + 2, 2)), nullptr, 16))
                           : text[i];
        if (by_number) i += 3;
    }
    return plain;
}

Result<void> take_header(PartitionTable& table, std::string_view key, std::string_view value)
{
    if (key == "label")
        table.label = value;
    else if (key == "label-id")
        table.id = value;
    else if (key == "first-lba")
        table.first_usable = std::stoull(std::string(value));
    else if (key != "unit" || value != "sectors")
        return fail(ErrorKind::usage, fmt::format("unsupported header \"{}\"", key));
    return {};
}

Result<void> take_field(PartitionTable::Entry& entry, std::string_view field)
{
    const size_t equals = field.find('=');
    const std::string_view key = trimmed(field.substr(0, equals));
    const std::string value =
        unquoted(equals == std::string_view::npos ? "" : trimmed(field.substr(equals + 1)));
    if (key == "start")
        entry.start = std::stoull(value);
    else if (key == "size")
        entry.size = std::stoull(value);
    else if (key == "type")
        entry.type = value;
    else if (key == "uuid")
        entry.uuid = value;
    else if (key == "name")
        entry.name = value;
    else if (key == "attrs")
        entry.attributes = value;
    else if (key == "bootable")
        entry.bootable = true;
    else
        return fail(ErrorKind::usage, fmt::format("unsupported field \"{}\"", key));
    return {};
}

/// "3 : start=2048, size=4096, name="a, b""; the number may be left out.
Result<PartitionTable::Entry> entry_of(std::string_view line, uint64_t next_number)
{
    PartitionTable::Entry entry{
        .node = {}, .type = {}, .name = {}, .attributes = {}, .uuid = {}, .number = next_number};
    const size_t colon = line.find(" : ");
    if (colon != std::string_view::npos && colon < line.find('=')) {
        entry.number =
            std::stoull(std::string(line.substr(line.find_last_not_of("0123456789", colon - 1) + 1)));
        line.remove_prefix(colon + 3);
    }
    while (!line.empty()) {
        size_t end = 0;
        for (bool quoted = false; end < line.size() && (quoted || line[end] != ','); ++end)
            quoted = quoted != (line[end] == '"');
        TRY(take_field(entry, trimmed(line.substr(0, end))));
        line.remove_prefix(std::min(end + 1, line.size()));
    }
    return entry;
}

Result<void> check_places(const PartitionTable& table)
{
    for (const PartitionTable::Entry& entry : table.entries) {
        if (entry.start < table.first_usable || entry.size == 0 ||
            entry.start + entry.size > table.last_usable + 1)
            return fail(
                ErrorKind::usage,
                fmt::format("failed to add #{} partition: Numerical result out of range", entry.number));
        for (const PartitionTable::Entry& other : table.entries) {
            if (other.number != entry.number && other.start < entry.start + entry.size &&
                entry.start < other.start + other.size)
                return fail(
                    ErrorKind::usage,
                    fmt::format("failed to add #{} partition: Numerical result out of range", entry.number));
        }
    }
    return {};
}

}  // namespace

Result<PartitionTable> table_of_script(std::string_view script, uint64_t sectors, uint64_t sector_size)
{
    PartitionTable table{.label = {}, .id = {}, .sector_size = sector_size, .entries = {}};
    while (!script.empty()) {
        const size_t end = std::min(script.find('\n'), script.size());
        const std::string_view line = script.substr(0, end);
        script.remove_prefix(std::min(end + 1, script.size()));
        const size_t colon = line.find(": ");
        if (line.empty()) continue;
        if (line.find('=') == std::string_view::npos && colon != std::string_view::npos)
            TRY(take_header(table, line.substr(0, colon), line.substr(colon + 2)));
        else
            table.entries.push_back(TRY(entry_of(line, table.entries.size() + 1)));
    }
    const bool gpt = table.label == "gpt";
    if (table.first_usable == 0) table.first_usable = gpt ? 1 + gpt_sectors(sector_size) : 1;
    table.last_usable = gpt ? sectors - gpt_sectors(sector_size) - 1 : sectors - 1;
    TRY(check_places(table));
    if (!gpt) {
        table.first_usable = table.last_usable = 0;
        for (PartitionTable::Entry& entry : table.entries)
            entry.uuid = storage::mbr_uuid(table.id, entry.number);
    }
    return table;
}

}  // namespace belay::simulated
