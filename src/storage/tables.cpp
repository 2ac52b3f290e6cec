#include "storage/tables.h"

#include "storage/parse/lines.h"

#include <algorithm>

namespace belay::storage {
namespace {

using parse::whole_number;

/// "\040" and its like, of three octal digits, as the character that they stand for.
std::string unescaped(std::string_view text)
{
    std::string plain;
    while (!text.empty()) {
        const bool is_code = text.size() >= 4 && text[0] == '\\' && text[1] >= '0' && text[1] <= '3' &&
                             text[2] >= '0' && text[2] <= '7' && text[3] >= '0' && text[3] <= '7';
        plain += is_code ? static_cast<char>((text[1] - '0') * 64 + (text[2] - '0') * 8 + text[3] - '0')
                         : text.front();
        text.remove_prefix(is_code ? 4 : 1);
    }
    return plain;
}

/// The fields of a line between tabs.
std::vector<std::string> tabbed_fields(std::string_view line)
{
    std::vector<std::string> fields;
    for (;;) {
        const size_t tab = std::min(line.find('\t'), line.size());
        fields.emplace_back(line.substr(0, tab));
        if (tab == line.size()) return fields;
        line.remove_prefix(tab + 1);
    }
}

/// The lines of a table, each of `columns` fields. An empty text is an empty table. Errors: corrupt.
Result<std::vector<std::vector<std::string>>> tabbed_rows(std::string_view text, size_t columns,
                                                          std::string_view command)
{
    std::vector<std::vector<std::string>> rows;
    if (text.empty()) return rows;
    for (const parse::Line& line : TRY(parse::lines_of(text, command))) {
        if (line.text.empty()) continue;
        std::vector<std::string> fields = tabbed_fields(line.text);
        // White space at the end is taken off a line, and with it a last field that is empty.
        if (fields.size() + 1 == columns) fields.emplace_back();
        if (fields.size() != columns || fields.front().empty())
            return parse::foreign(command, line.number, fmt::format("it has not {} fields", columns));
        rows.push_back(std::move(fields));
    }
    return rows;
}

/// "-": there is none.
std::string unless_dash(const std::string& field)
{
    return field == "-" ? std::string() : field;
}

/// The name that sha256sum prints as "odd\\nname", with a backslash in front of the line.
std::string plain_name(std::string_view text)
{
    std::string plain;
    for (size_t at = 0; at < text.size(); ++at) {
        const char next = at + 1 < text.size() ? text[at + 1] : '\0';
        const bool is_code = text[at] == '\\' && (next == 'n' || next == 'r' || next == '\\');
        if (is_code) ++at;
        plain += !is_code ? text[at] : next == 'n' ? '\n' : next == 'r' ? '\r' : '\\';
    }
    return plain;
}

bool is_digest(std::string_view text)
{
    constexpr size_t digits_of_sha256 = 64;
    return text.size() == digits_of_sha256 &&
           text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

std::vector<SwapArea> parse_swaps(std::string_view text)
{
    std::vector<SwapArea> areas;
    const auto lines = parse::lines_of(text, "cat /proc/swaps");
    if (!lines) return areas;
    for (const parse::Line& line : *lines) {
        const std::vector<std::string_view> words = parse::words_of(line.text);
        if (words.size() < 5 || !words[0].starts_with('/')) continue;
        const auto size = parse::times(whole_number(words[2]), 1024);
        const auto used = parse::times(whole_number(words[3]), 1024);
        const auto priority = parse::signed_number(words[4]);
        if (!size || !used || !priority) continue;
        areas.push_back({unescaped(words[0]), words[1] == "file", {*size}, {*used}, *priority});
    }
    return areas;
}

const char* const zpool_columns = "name,guid,size,allocated,free,capacity,health";

Result<std::vector<PoolRow>> parse_zpool_list(std::string_view text)
{
    std::vector<PoolRow> pools;
    for (const auto& row : TRY(tabbed_rows(text, 7, "zpool list -H -p")))
        pools.push_back({.name = row[0],
                         .guid = unless_dash(row[1]),
                         .health = unless_dash(row[6]),
                         .size = whole_number(row[2]),
                         .allocated = whole_number(row[3]),
                         .free = whole_number(row[4]),
                         .capacity_percent = whole_number(row[5])});
    return pools;
}

const char* const zfs_columns = "name,type,used,available,referenced,volsize,mountpoint,mounted";

Result<std::vector<DatasetRow>> parse_zfs_list(std::string_view text)
{
    std::vector<DatasetRow> datasets;
    for (const auto& row : TRY(tabbed_rows(text, 8, "zfs list -H -p")))
        datasets.push_back({.name = row[0],
                            .type = row[1],
                            .used = whole_number(row[2]),
                            .available = whole_number(row[3]),
                            .referenced = whole_number(row[4]),
                            .volume_size = whole_number(row[5]),
                            .mountpoint = unless_dash(row[6]),
                            .mounted = row[7] == "yes"});
    return datasets;
}

Result<std::vector<FileDigest>> parse_digests(std::string_view text)
{
    std::vector<FileDigest> digests;
    if (text.empty()) return digests;
    if (!text.ends_with('\n')) return parse::cut("sha256sum", "its last line has no end");
    for (const parse::Line& line : TRY(parse::lines_of(text, "sha256sum"))) {
        std::string_view rest = line.text;
        if (rest.empty()) continue;
        const bool is_escaped = rest.starts_with('\\');
        if (is_escaped) rest.remove_prefix(1);
        const std::string_view digest = parse::take_word(rest);
        const std::string_view name = parse::trimmed(rest);
        const std::string_view path = name.starts_with('*') ? name.substr(1) : name;
        if (!is_digest(digest) || path.empty())
            return parse::foreign("sha256sum", line.number, "it is no digest and a name");
        digests.push_back({is_escaped ? plain_name(path) : std::string(path), std::string(digest)});
    }
    return digests;
}

Result<std::vector<std::string>> parse_mdir(std::string_view text)
{
    std::vector<std::string> files;
    if (text.empty()) return files;
    for (const parse::Line& line : TRY(parse::lines_of(text, "mdir -/ -b"))) {
        if (line.text.empty()) continue;
        if (!line.text.starts_with("::/"))
            return parse::foreign("mdir -/ -b", line.number, "it does not begin with ::/");
        if (!line.text.ends_with('/')) files.emplace_back(line.text.substr(3));
    }
    return files;
}

}  // namespace belay::storage
