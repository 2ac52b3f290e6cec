#include "storage/parse/mdadm_text.h"

#include <algorithm>

namespace belay::storage::parse {
namespace {

/// "/dev/md0:" begins a section; "[Volume0]:" and "Bad Block Management Log:" do not.
bool is_header(std::string_view line)
{
    return line.size() > 1 && line.ends_with(':') && indent_of(line) == 0 && !line.starts_with('[') &&
           line.find(' ') == std::string_view::npos;
}

bool is_export(std::string_view line)
{
    const size_t equals = line.find('=');
    return line.starts_with("MD_") && equals != std::string_view::npos &&
           line.substr(0, equals).find(' ') == std::string_view::npos;
}

/// A word of a brief line; a value with blanks in it stands in quotes: name="my array".
std::string take_quoted(std::string_view& rest)
{
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    std::string word;
    char quote = 0;
    while (!rest.empty() && (quote != 0 || (rest.front() != ' ' && rest.front() != '\t'))) {
        const char c = rest.front();
        rest.remove_prefix(1);
        if (quote == 0 && (c == '"' || c == '\''))
            quote = c;
        else if (c == quote)
            quote = 0;
        else
            word += c;
    }
    return word;
}

void read_scanned(MdadmScanned& scanned, std::string_view rest)
{
    for (std::string word = take_quoted(rest); !word.empty(); word = take_quoted(rest)) {
        const size_t equals = word.find('=');
        if (equals == std::string::npos) {
            if (scanned.device.empty()) scanned.device = word;
            continue;
        }
        const std::string name = field_name(word.substr(0, equals));
        if (name != "devices") {
            scanned.words.emplace(name, word.substr(equals + 1));
            continue;
        }
        std::string_view list = std::string_view(word).substr(equals + 1);
        while (!list.empty()) {
            const size_t comma = std::min(list.find(','), list.size());
            if (comma > 0) scanned.devices.emplace_back(list.substr(0, comma));
            list.remove_prefix(std::min(comma + 1, list.size()));
        }
    }
}

std::optional<uint64_t> cell(std::string_view word)
{
    return word == "-" ? std::nullopt : whole_number(word);
}

/// "   0     8    1    0   active sync   /dev/sda1"; a superblock's table has one more column in front.
Result<MdadmRow> row_of(const Line& line, std::string_view command, bool examine)
{
    std::vector<std::string_view> words = words_of(line.text);
    MdadmRow row;
    if (examine) {
        row.self = words.front() == "this";
        words.erase(words.begin());
    }
    const auto known = [](std::string_view word) { return word == "-" || whole_number(word); };
    if (words.size() < 4 || !std::all_of(words.begin(), words.begin() + 4, known))
        return foreign(command, line.number, "a row of the table of devices is not understood");
    row.number = cell(words[0]);
    row.major = cell(words[1]);
    row.minor = cell(words[2]);
    row.slot = cell(words[3]);
    for (auto word = words.begin() + 4; word != words.end(); ++word) {
        if (word->starts_with('/') && word + 1 == words.end())
            row.device = *word;
        else
            row.state.emplace_back(*word);
    }
    return row;
}

/// One line after the other, each into the section that it stands in.
class Reader {
  public:
    Reader(MdadmText& text, std::string_view command) : text_(text), command_(command) {}
    Result<void> read(const Line& line);

  private:
    MdadmSection& section(size_t line);
    bool begin(const Line& line);
    Result<bool> read_table(const Line& line);
    void read_field(const Line& line);

    MdadmText& text_;
    std::string_view command_;
    enum class Table { none, devices, other } table_ = Table::none;
};

MdadmSection& Reader::section(size_t line)
{
    if (text_.sections.empty()) text_.sections.push_back({.device = {}, .line = line, .groups = {{}}});
    return text_.sections.back();
}

/// Takes a line that begins something; whether it was one.
bool Reader::begin(const Line& line)
{
    std::string_view rest = line.text;
    if (is_header(rest)) {
        rest.remove_suffix(1);
        text_.sections.push_back({.device = std::string(rest), .line = line.number, .groups = {{}}});
        table_ = Table::none;
        return true;
    }
    if (rest.starts_with("mdadm: ")) {
        if (text_.complaint.empty()) text_.complaint = rest.substr(7);
        return true;
    }
    if (is_export(rest)) {
        const size_t equals = rest.find('=');
        text_.exported.emplace(rest.substr(0, equals), rest.substr(equals + 1));
        return true;
    }
    if (rest.starts_with("ARRAY ") || rest.starts_with("INACTIVE-ARRAY ")) {
        text_.scanned.push_back({.device = {}, .inactive = rest.front() == 'I', .words = {}, .devices = {}});
        take_word(rest);
        read_scanned(text_.scanned.back(), rest);
        return true;
    }
    if (!text_.scanned.empty() && text_.sections.empty() && indent_of(rest) > 0) {
        read_scanned(text_.scanned.back(), rest);
        return true;
    }
    return false;
}

/// Takes a line of a table; whether it was one.
Result<bool> Reader::read_table(const Line& line)
{
    const std::vector<std::string_view> words = words_of(line.text);
    if (words.front() == "Number" && words.size() >= 4 && indent_of(line.text) > 0) {
        MdadmSection& here = section(line.number);
        table_ = words[1] == "Major" ? Table::devices : Table::other;
        here.has_table = true;
        return true;
    }
    if (table_ == Table::other) {
        section(line.number).table_lines.push_back(line);
        return true;
    }
    const bool row = words.front() == "-" || words.front() == "this" || whole_number(words.front());
    if (table_ == Table::none || !row) return false;
    MdadmSection& here = section(line.number);
    here.rows.push_back(TRY(row_of(line, command_, here.is_examine())));
    return true;
}

void Reader::read_field(const Line& line)
{
    const std::string_view text = trimmed(line.text);
    MdadmSection& here = section(line.number);
    size_t colon = text.find(" : ");
    if (colon == std::string_view::npos && text.ends_with(" :")) colon = text.size() - 2;
    if (colon == std::string_view::npos) {
        // imsm: "[Volume0]:", "Bad Block Management Log:"
        if (!text.ends_with(':')) return;
        std::string_view name = text.substr(0, text.size() - 1);
        if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
        here.groups.push_back({std::string(name), {}});
        return;
    }
    const std::string name = field_name(text.substr(0, colon));
    if (name.starts_with("disk") && name.ends_with("serial"))
        here.groups.push_back({std::string(text.substr(0, text.find(' '))), {}});
    const std::string_view value = trimmed(text.substr(colon + 2));
    if (value != "-unknown-") here.groups.back().fields.add(name, std::string(value));
}

Result<void> Reader::read(const Line& line)
{
    if (line.text.empty() || begin(line)) return {};
    if (TRY(read_table(line))) return {};
    read_field(line);
    return {};
}

}  // namespace

bool MdadmSection::is_examine() const
{
    const MdadmFields& fields = groups.front().fields;
    return fields.has("magic") || fields.has("mbr_magic") || fields.has("gpt_magic");
}

bool MdadmSection::is_detail() const
{
    const MdadmFields& fields = groups.front().fields;
    return !is_examine() && (fields.has("version") || fields.has("container")) &&
           (fields.has("raid_level") || fields.has("total_devices") || fields.has("state"));
}

Result<MdadmText> read_mdadm(std::string_view text, std::string_view command)
{
    const std::vector<Line> lines = TRY(lines_of(text, command));
    MdadmText read;
    read.ended = text.ends_with('\n');
    Reader reader(read, command);
    for (const Line& line : lines) TRY(reader.read(line));
    return read;
}

std::unexpected<Error> no_mdadm_report(const MdadmText& text, std::string_view command,
                                       std::string_view wanted)
{
    if (!text.complaint.empty())
        return foreign(command, 0, fmt::format("mdadm said instead: {}", text.complaint));
    return foreign(command, 1, fmt::format("no {} was found", wanted));
}

}  // namespace belay::storage::parse
