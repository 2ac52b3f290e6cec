// The text of /etc/fstab: its lines, and edits that keep every other byte.

#include "storage/fstab.h"

#include <algorithm>
#include <utility>

namespace belay::storage::fstab {
namespace {

constexpr std::string_view blanks = " \t";

/// Where a field is in its line.
struct Place {
    size_t begin, length;
};

/// The fields of a line; empty for a comment.
std::vector<Place> fields_of(std::string_view line)
{
    std::vector<Place> fields;
    size_t at = line.find_first_not_of(blanks);
    if (at != std::string_view::npos && line[at] == '#') return fields;
    while (at != std::string_view::npos && at < line.size()) {
        const size_t end = std::min(line.find_first_of(blanks, at), line.size());
        fields.push_back({at, end - at});
        at = line.find_first_not_of(blanks, end);
    }
    return fields;
}

bool is_octal(char c)
{
    return c >= '0' && c <= '7';
}

/// "\040" stands for a space: getmntent(3).
std::string decoded(std::string_view field)
{
    std::string text;
    for (size_t i = 0; i < field.size(); ++i) {
        const bool code = field[i] == '\\' && i + 3 < field.size() && is_octal(field[i + 1]) &&
                          is_octal(field[i + 2]) && is_octal(field[i + 3]);
        if (!code) {
            text += field[i];
            continue;
        }
        text +=
            static_cast<char>((field[i + 1] - '0') * 64 + (field[i + 2] - '0') * 8 + (field[i + 3] - '0'));
        i += 3;
    }
    return text;
}

std::optional<Line> line_of(std::string_view line)
{
    const std::vector<Place> fields = fields_of(line);
    if (fields.size() < 3) return std::nullopt;
    const auto field = [&](size_t number) {
        return line.substr(fields[number].begin, fields[number].length);
    };
    Line found{decoded(field(0)), decoded(field(1)), decoded(field(2)), {}};
    if (fields.size() > 3) found.options = options_in(field(3));
    return found;
}

/// The text cut into lines that keep their ends, so that they put together are the text.
std::vector<std::string> lines_in(std::string_view text)
{
    std::vector<std::string> lines;
    while (!text.empty()) {
        const size_t end = text.find('\n');
        const size_t length = end == std::string_view::npos ? text.size() : end + 1;
        lines.emplace_back(text.substr(0, length));
        text.remove_prefix(length);
    }
    return lines;
}

std::string_view without_end(std::string_view line)
{
    if (line.ends_with('\n')) line.remove_suffix(1);
    return line;
}

Result<void> make(const Edit& edit, std::vector<std::string>& lines)
{
    const auto line = std::ranges::find_if(lines, [&](const std::string& one) {
        const std::optional<Line> found = line_of(without_end(one));
        return found && found->target == edit.target;
    });
    const bool there = line != lines.end();
    if (edit.kind == Edit::Kind::append) {
        if (there && without_end(*line) == edit.value) return {};
        if (there)
            return fail(
                ErrorKind::refused,
                fmt::format("{} has another line for {} already: {}", path, edit.target, without_end(*line)),
                fmt::format("remove that line, or change its mount point"));
        if (!lines.empty() && !lines.back().ends_with('\n')) lines.back() += '\n';
        lines.push_back(edit.value + "\n");
        return {};
    }
    if (edit.kind == Edit::Kind::drop) {
        if (there) lines.erase(line);
        return {};
    }
    if (!there)
        return fail(ErrorKind::not_found, fmt::format("{} has no line for {}", path, edit.target),
                    "belay storage show");
    const std::vector<Place> fields = fields_of(without_end(*line));
    if (edit.kind == Edit::Kind::set_spec) {
        line->replace(fields[0].begin, fields[0].length, edit.value);
    } else if (fields.size() == 3) {
        line->insert(fields[2].begin + fields[2].length, " " + edit.value);
    } else if (!line_of(without_end(*line))->has(edit.value)) {
        line->insert(fields[3].begin + fields[3].length, "," + edit.value);
    }
    return {};
}

}  // namespace

std::vector<std::string> options_in(std::string_view field)
{
    std::vector<std::string> options;
    bool quoted = false;
    std::string option;
    for (const char c : field) {
        if (c == '"') quoted = !quoted;  // a comma within quotes belongs to the option: context="..."
        if (c != ',' || quoted) {
            option += c;
            continue;
        }
        options.push_back(std::exchange(option, {}));
    }
    options.push_back(option);
    return options;
}

bool Line::has(std::string_view option) const
{
    return std::ranges::find(options, option) != options.end();
}

std::vector<Line> parse(std::string_view text)
{
    std::vector<Line> lines;
    for (const std::string& line : lines_in(text)) {
        if (std::optional<Line> found = line_of(without_end(line))) lines.push_back(*std::move(found));
    }
    return lines;
}

Result<std::string> edited(std::string_view text, const std::vector<Edit>& edits)
{
    std::vector<std::string> lines = lines_in(text);
    for (const Edit& edit : edits) TRY(make(edit, lines));
    return fmt::format("{}", fmt::join(lines, ""));
}

}  // namespace belay::storage::fstab
