#include "cli/style.h"

#include "base/utf8.h"

#include <algorithm>
#include <ctime>

namespace belay::cli {
namespace {

constexpr Marks utf8_marks{.pass = "✓",
                           .warn = "!",
                           .fail = "✗",
                           .running = "▸",
                           .waiting = "·",
                           .undone = "↶",
                           .branch = "├─ ",
                           .last_branch = "└─ ",
                           .stem = "│  ",
                           .no_stem = "   ",
                           .bar_full = "█",
                           .bar_empty = "░",
                           .ellipsis = "…"};
constexpr Marks ascii_marks{.pass = "+",
                            .warn = "!",
                            .fail = "x",
                            .running = ">",
                            .waiting = ".",
                            .undone = "<",
                            .branch = "|- ",
                            .last_branch = "`- ",
                            .stem = "|  ",
                            .no_stem = "   ",
                            .bar_full = "#",
                            .bar_empty = "-",
                            .ellipsis = "..."};

/// One code point taken from the front of `text`; nothing, and one byte taken, where it is not UTF-8.
std::optional<char32_t> take_code_point(std::string_view& text)
{
    const Utf8Character first = first_character(text);
    text.remove_prefix(first.length);
    if (!first.is_valid) return std::nullopt;
    return first.code;
}

/// Source: Unicode's EastAsianWidth, the blocks that are wide throughout.
size_t columns_of_point(char32_t point)
{
    constexpr std::pair<char32_t, char32_t> wide[] = {
        {0x1100, 0x115f}, {0x2e80, 0xa4cf}, {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},
        {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x1f300, 0x1f64f}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};
    if (point >= 0x300 && point <= 0x36f) return 0;
    for (const auto& [first, last] : wide) {
        if (point >= first && point <= last) return 2;
    }
    return 1;
}

/// Whether a terminal would take it as an order, or turn the text around, rather than show it.
bool is_control(char32_t point)
{
    return point < 0x20 || (point >= 0x7f && point < 0xa0) || (point >= 0x200b && point <= 0x200f) ||
           (point >= 0x2028 && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
}

std::string written(const std::tm& time)
{
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", time.tm_year + 1900, time.tm_mon + 1,
                       time.tm_mday, time.tm_hour, time.tm_min, time.tm_sec);
}

}  // namespace

std::string local_time(Milliseconds wall)
{
    const std::time_t seconds = wall.count() / 1000;
    std::tm time{};
    localtime_r(&seconds, &time);
    return written(time);
}

std::string utc_time(Milliseconds wall)
{
    const std::time_t seconds = wall.count() / 1000;
    std::tm time{};
    gmtime_r(&seconds, &time);
    return written(time);
}

std::string paint(const Style& style, Tone tone, std::string_view text)
{
    constexpr std::string_view codes[] = {"", "1", "2", "32", "33", "31"};
    if (!style.colour || tone == Tone::plain || text.empty()) return std::string(text);
    return fmt::format("\x1b[{}m{}\x1b[0m", codes[static_cast<size_t>(tone)], text);
}

const Marks& marks_of(const Style& style)
{
    return style.unicode ? utf8_marks : ascii_marks;
}

std::string clean(const Style& style, std::string_view text)
{
    std::string result;
    while (!text.empty()) {
        const std::string_view before = text;
        const auto point = take_code_point(text);
        if (point && (*point == '\n' || *point == '\t'))
            result += ' ';
        else if (!point || is_control(*point) || (!style.unicode && *point > 0x7e))
            result += '?';
        else
            result += before.substr(0, before.size() - text.size());
    }
    return result;
}

std::string counted(uint64_t number, std::string_view one, std::string_view several)
{
    return fmt::format("{} {}", number, number == 1 ? one : several);
}

size_t columns_of(std::string_view text)
{
    size_t columns = 0;
    while (!text.empty()) {
        if (text.starts_with("\x1b[")) {
            const size_t end = text.find('m');
            text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
            continue;
        }
        const auto point = take_code_point(text);
        columns += point ? columns_of_point(*point) : 1;
    }
    return columns;
}

std::string fit(const Style& style, std::string_view text, size_t columns)
{
    if (columns_of(text) <= columns) return std::string(text);
    const std::string_view ellipsis = marks_of(style).ellipsis;
    const size_t room = columns - std::min(columns, columns_of(ellipsis));
    size_t used = 0;
    std::string_view rest = text;
    while (!rest.empty()) {
        std::string_view after = rest;
        const auto point = take_code_point(after);
        const size_t more = point ? columns_of_point(*point) : 1;
        if (used + more > room) break;
        used += more;
        rest = after;
    }
    std::string result(text.substr(0, text.size() - rest.size()));
    while (result.ends_with(' ')) result.pop_back();
    return result + std::string(columns >= columns_of(ellipsis) ? ellipsis : "");
}

std::string pad(std::string_view text, size_t columns)
{
    const size_t taken = columns_of(text);
    return std::string(text) + std::string(columns - std::min(columns, taken), ' ');
}

std::string wrap(const Style& style, std::string_view text, size_t used, size_t indent)
{
    if (style.width == 0 || used + columns_of(text) <= style.width) return std::string(text);
    std::string result;
    bool at_start = true;
    while (!text.empty()) {
        const size_t space = text.find(' ');
        const std::string_view word = text.substr(0, space);
        text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
        const size_t columns = columns_of(word);
        if (!at_start && used + 1 + columns > style.width) {
            result += '\n' + std::string(indent, ' ');
            used = indent;
            at_start = true;
        }
        if (!at_start) result += ' ';
        used += columns + (at_start ? 0 : 1);
        result += word;
        at_start = false;
    }
    return result;
}

namespace {

/// The last cell of a row, wrapped beside the others, or below them where too little room is left.
std::string last_cell(const Style& style, const std::string& cell, size_t used, size_t indent)
{
    constexpr size_t narrowest = 20;
    constexpr size_t hanging = 4;
    if (style.width == 0 || used + columns_of(cell) <= style.width) return cell;
    if (style.width >= used + narrowest) return wrap(style, cell, used, used);
    const size_t below = indent + hanging;
    return '\n' + std::string(below, ' ') + wrap(style, cell, below, below);
}

}  // namespace

std::string table(const Style& style, const std::vector<std::vector<std::string>>& rows, size_t indent)
{
    constexpr size_t gap = 2;
    std::vector<size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (size_t i = 0; i + 1 < row.size(); ++i) widths[i] = std::max(widths[i], columns_of(row[i]));
    }
    std::string result;
    for (const auto& row : rows) {
        std::string line(indent, ' ');
        for (size_t i = 0; i + 1 < row.size(); ++i) line += pad(row[i], widths[i] + gap);
        const std::string last = row.empty() ? "" : last_cell(style, row.back(), columns_of(line), indent);
        if (last.empty() || last.front() == '\n') {
            while (line.ends_with(' ')) line.pop_back();
        }
        result += line + last + '\n';
    }
    return result;
}

std::string bar(const Style& style, int percent, size_t columns)
{
    const Marks& marks = marks_of(style);
    const size_t full = columns * static_cast<size_t>(percent) / 100;
    std::string filled, empty;
    for (size_t i = 0; i < columns; ++i)
        (i < full ? filled : empty) += i < full ? marks.bar_full : marks.bar_empty;
    return paint(style, Tone::good, filled) + paint(style, Tone::dim, empty);
}

}  // namespace belay::cli
