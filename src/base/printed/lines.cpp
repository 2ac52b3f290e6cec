#include "base/printed/lines.h"

#include <charconv>

namespace belay::printed {
namespace {

constexpr std::string_view white = " \t\r\v\f";

template <typename T>
std::optional<T> number_from(std::string_view text)
{
    T value{};
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || problem != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// A text has no control characters but those that move the paper.
bool is_text(std::string_view text)
{
    for (const char c : text) {
        if (static_cast<unsigned char>(c) < ' ' && (white.find(c) == std::string_view::npos && c != '\n'))
            return false;
    }
    return true;
}

}  // namespace

Result<void> check_text(std::string_view text, std::string_view command)
{
    if (text.size() > largest_text)
        return foreign(command, 0, fmt::format("it is larger than {} MiB", largest_text >> 20));
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
        return fail(ErrorKind::corrupt,
                    fmt::format("there is nothing to read: `{}` printed no text", command));
    return {};
}

Result<std::vector<Line>> lines_of(std::string_view text, std::string_view command)
{
    TRY(check_text(text, command));
    std::vector<Line> lines;
    while (!text.empty()) {
        const size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (lines.size() == most_lines)
            return foreign(command, most_lines, fmt::format("there are more than {} lines", most_lines));
        if (!is_text(line))
            return foreign(command, lines.size() + 1, "there are bytes in it that are no text");
        line = line.substr(0, line.find_last_not_of(white) + 1);
        lines.push_back({lines.size() + 1, line});
    }
    return lines;
}

std::unexpected<Error> foreign(std::string_view command, size_t line, std::string_view what)
{
    const std::string where = line == 0 ? std::string() : fmt::format("line {}: ", line);
    return fail(ErrorKind::corrupt, fmt::format("this is no output of `{}`: {}{}", command, where, what));
}

std::unexpected<Error> cut(std::string_view command, std::string_view what)
{
    return fail(ErrorKind::corrupt, fmt::format("this output of `{}` is cut: {}", command, what));
}

std::string_view trimmed(std::string_view text)
{
    const size_t start = text.find_first_not_of(white);
    if (start == std::string_view::npos) return {};
    return text.substr(start, text.find_last_not_of(white) + 1 - start);
}

std::string_view take_word(std::string_view& rest)
{
    rest.remove_prefix(std::min(rest.find_first_not_of(white), rest.size()));
    const std::string_view word = rest.substr(0, rest.find_first_of(white));
    rest.remove_prefix(word.size());
    return word;
}

std::vector<std::string_view> words_of(std::string_view text)
{
    std::vector<std::string_view> words;
    for (std::string_view word = take_word(text); !word.empty(); word = take_word(text))
        words.push_back(word);
    return words;
}

std::vector<std::string> copied_words(std::string_view text)
{
    const std::vector<std::string_view> words = words_of(text);
    return {words.begin(), words.end()};
}

size_t indent_of(std::string_view text)
{
    size_t columns = 0;
    for (const char c : text) {
        if (c == '\t')
            columns += 8 - columns % 8;
        else if (c == ' ')
            ++columns;
        else
            break;
    }
    return columns;
}

std::optional<uint64_t> whole_number(std::string_view text)
{
    return number_from<uint64_t>(text);
}

std::optional<uint64_t> trailing_number(std::string_view name)
{
    return whole_number(name.substr(name.find_last_not_of("0123456789") + 1));
}

std::optional<int64_t> signed_number(std::string_view text)
{
    return number_from<int64_t>(text);
}

std::optional<double> decimal(std::string_view text)
{
    // The library would read "inf", "1e9" and "-1" as well.
    if (text.empty() || text.size() > 32 || text.find_first_not_of("0123456789.") != std::string_view::npos)
        return std::nullopt;
    if (text.front() == '.' || text.back() == '.') return std::nullopt;
    return number_from<double>(text);
}

std::optional<uint64_t> times(std::optional<uint64_t> number, uint64_t factor)
{
    if (!number || (factor != 0 && *number > UINT64_MAX / factor)) return std::nullopt;
    return *number * factor;
}

std::optional<uint64_t> with_unit(std::string_view text)
{
    const size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
    const std::optional<uint64_t> number = whole_number(text.substr(0, end));
    std::string_view unit = trimmed(text.substr(end));
    if (unit == "B") return number;
    if (unit.ends_with("iB"))
        unit.remove_suffix(2);
    else if (unit.ends_with("B"))
        unit.remove_suffix(1);
    if (unit.size() != 1) return std::nullopt;
    const size_t power = std::string_view("kmgtp").find(static_cast<char>(unit.front() | 0x20));
    if (power == std::string_view::npos) return std::nullopt;
    return times(number, uint64_t{1} << (10 * (power + 1)));
}

std::string field_name(std::string_view label)
{
    std::string name;
    for (const char c : trimmed(label)) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (c >= 'A' && c <= 'Z')
            name += static_cast<char>(c | 0x20);
        else if (letter)
            name += c;
        else if (!name.empty() && name.back() != '_')
            name += '_';
    }
    while (name.ends_with('_')) name.pop_back();
    return name;
}

}  // namespace belay::printed
