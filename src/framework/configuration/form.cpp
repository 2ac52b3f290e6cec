// What texts of a certain form look like.

#include "base/units.h"
#include "framework/configuration/value_reader.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>

namespace belay::framework::configuration {
namespace {

bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/// "6/10s", or "0".
bool is_failures(std::string_view text)
{
    if (text == "0") return true;
    const size_t slash = text.find('/');
    if (slash == std::string_view::npos) return false;
    const std::string_view count = text.substr(0, slash);
    const auto span = parse_span(text.substr(slash + 1));
    const bool is_count = !count.empty() && count.size() <= 6 && std::ranges::all_of(count, is_digit);
    return is_count && span && *span > Milliseconds{0};
}

/// "2027-01-31".
bool is_day(std::string_view text)
{
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
    const auto number = [&](size_t at, size_t length) {
        unsigned value = 0;
        const char* begin = text.data() + at;
        const auto read = std::from_chars(begin, begin + length, value);
        return read.ec == std::errc() && read.ptr == begin + length ? value : 0;
    };
    const std::chrono::year_month_day day{std::chrono::year(static_cast<int>(number(0, 4))),
                                          std::chrono::month(number(5, 2)), std::chrono::day(number(8, 2))};
    return number(0, 4) > 0 && day.ok();
}

/// Source: useradd(8), and what systemd takes.
bool is_user(std::string_view text)
{
    const auto belongs = [](char c) {
        return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-' ||
               c == '.';
    };
    return !text.empty() && text.size() <= 31 && text.front() != '-' && !is_digit(text.front()) &&
           std::ranges::all_of(text, belongs);
}

/// The name of a folder, and of a table in packages.conf. Source: docs/images.md.
bool is_image(std::string_view text)
{
    const auto belongs = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || c == '_' || c == '-'; };
    return !text.empty() && text.size() <= 64 && text.front() != '-' && std::ranges::all_of(text, belongs);
}

/// What every shell and systemd takes. Source: environ(7), POSIX "Environment Variable Definition".
bool is_variable(std::string_view text)
{
    const auto belongs = [](char c) {
        return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    return !text.empty() && !is_digit(text.front()) && std::ranges::all_of(text, belongs);
}

bool is_address(const std::string& text)
{
    const size_t slash = text.find('/');
    if (slash == std::string::npos) return false;
    const std::string address = text.substr(0, slash);
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    const bool is_4 = inet_pton(AF_INET, address.c_str(), bytes.data()) == 1;
    const bool is_6 = !is_4 && inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1;
    unsigned length = 0;
    const auto read = std::from_chars(text.data() + slash + 1, text.data() + text.size(), length);
    const bool is_length = read.ec == std::errc{} && read.ptr == text.data() + text.size();
    return (is_4 || is_6) && is_length && length >= 1 && length <= (is_4 ? 32U : 128U);
}

}  // namespace

std::optional<std::string> complaint_about(Form form, std::string_view text)
{
    switch (form) {
        case Form::any:
            return std::nullopt;
        case Form::path:
            if (text.starts_with('/')) return std::nullopt;
            return "and an absolute path is wanted: write \"/the/path\"";
        case Form::failures:
            if (is_failures(text)) return std::nullopt;
            return "and failures in a time are wanted: write \"6/10s\", or \"0\"";
        case Form::day:
            if (is_day(text)) return std::nullopt;
            return "and a day is wanted: write \"2027-01-31\"";
        case Form::user:
            if (is_user(text)) return std::nullopt;
            return "which is no name of an account";
        case Form::variable:
            if (is_variable(text)) return std::nullopt;
            return "which is no name of an environment variable: write letters, digits and \"_\", no digit "
                   "first";
        case Form::image:
            if (is_image(text)) return std::nullopt;
            return "which is no name of an image: write small letters, digits, \"_\" and \"-\"";
        case Form::address:
            if (is_address(std::string(text))) return std::nullopt;
            return "and an address with its length is wanted: write \"192.0.2.7/24\"";
    }
    return std::nullopt;
}

}  // namespace belay::framework::configuration
