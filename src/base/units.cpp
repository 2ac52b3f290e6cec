#include "base/units.h"

#include <charconv>

namespace belay {
namespace {

struct SpanUnit {
    std::string_view name;
    int64_t milliseconds;
};
constexpr SpanUnit span_units[] = {{"ms", 1},       {"s", 1000},      {"m", 60'000},
                                   {"min", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
constexpr int64_t longest_span = 10ll * 366 * 86'400'000;

std::string_view take_while(std::string_view& text, bool (*belongs)(char))
{
    size_t length = 0;
    while (length < text.size() && belongs(text[length])) ++length;
    const std::string_view taken = text.substr(0, length);
    text.remove_prefix(length);
    return taken;
}

bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}
bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// The digits at the front of `text` as a number, which are taken from it; nothing if there are none or too
/// many.
std::optional<uint64_t> take_number(std::string_view& text)
{
    const std::string_view digits = take_while(text, is_digit);
    uint64_t value = 0;
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (digits.empty() || problem != std::errc{}) return std::nullopt;
    return value;
}

}  // namespace

std::string to_text(Bytes bytes)
{
    constexpr std::string_view units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_t unit = 0;
    double value = static_cast<double>(bytes.count);
    while (value >= 1024 && unit + 1 < std::size(units)) {
        value /= 1024;
        ++unit;
    }
    std::string number = fmt::format("{:.1f}", value);
    if (number.ends_with(".0")) number.resize(number.size() - 2);
    return fmt::format("{} {}", number, units[unit]);
}

std::string to_text(Milliseconds span)
{
    const int64_t total = std::max<int64_t>(span.count(), 0);
    if (total < 1000) return total == 0 ? "0 s" : fmt::format("{:.1f} s", static_cast<double>(total) / 1000);
    const int64_t seconds = total / 1000;
    const std::pair<int64_t, std::string_view> parts[] = {
        {seconds / 86'400, "d"}, {seconds / 3600 % 24, "h"}, {seconds / 60 % 60, "min"}, {seconds % 60, "s"}};
    for (size_t i = 0; i < std::size(parts); ++i) {
        if (parts[i].first == 0) continue;
        std::string text = fmt::format("{} {}", parts[i].first, parts[i].second);
        if (i + 1 < std::size(parts) && parts[i + 1].first != 0)
            text += fmt::format(" {} {}", parts[i + 1].first, parts[i + 1].second);
        return text;
    }
    return "0 s";
}

Result<Milliseconds> parse_span(std::string_view text)
{
    const auto refuse = [&] {
        return fail(ErrorKind::usage, fmt::format("\"{}\" is not a length of time", text),
                    "write it as 90s, 30m, 2h or 1h30m");
    };
    int64_t total = 0;
    std::string_view rest = text;
    if (rest.empty()) return refuse();
    while (!rest.empty()) {
        const auto number = take_number(rest);
        const std::string_view unit = take_while(rest, is_letter);
        int64_t scale = 0;
        for (const SpanUnit& known : span_units) {
            if (known.name == unit) scale = known.milliseconds;
        }
        if (!number || scale == 0 || *number > static_cast<uint64_t>(longest_span / scale)) return refuse();
        total += static_cast<int64_t>(*number) * scale;
        if (total > longest_span) return refuse();
    }
    return Milliseconds{total};
}

Result<Bytes> parse_bytes(std::string_view text)
{
    const auto refuse = [&] {
        return fail(ErrorKind::usage, fmt::format("\"{}\" is not a size", text),
                    "write it as 4096, 256M or 10GiB");
    };
    std::string_view rest = text;
    const auto number = take_number(rest);
    if (!number) return refuse();
    unsigned shift = 0;
    if (!rest.empty()) {
        const size_t unit = std::string_view("BbKkMmGgTt").find(rest.front()) / 2;
        if (unit > 4 || (rest.size() > 1 && (unit == 0 || rest.substr(1) != "iB"))) return refuse();
        shift = static_cast<unsigned>(unit) * 10;
    }
    if (*number > (UINT64_MAX >> shift)) return refuse();
    return Bytes{*number << shift};
}

}  // namespace belay
