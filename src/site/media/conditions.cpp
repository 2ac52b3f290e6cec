#include "site/media/conditions.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace belay::media {
namespace {

constexpr std::string_view blanks = " \t";

std::string_view trimmed(std::string_view text)
{
    const size_t from = std::min(text.find_first_not_of(blanks), text.size());
    const size_t end = text.find_last_not_of(blanks);
    return end == std::string_view::npos ? std::string_view() : text.substr(from, end - from + 1);
}

/// The part before the separator; `rest` begins behind it.
std::string_view cut(std::string_view& rest, char separator)
{
    const size_t end = std::min(rest.find(separator), rest.size());
    const std::string_view part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return trimmed(part);
}

bool is_wait(std::string_view name)
{
    return std::ranges::equal(name, std::string_view("wait"), [](unsigned char one, char wanted) {
        return std::tolower(one) == static_cast<unsigned char>(wanted);
    });
}

}  // namespace

bool names_tag(std::string_view if_none_match, std::string_view tag)
{
    if (trimmed(if_none_match) == "*") return true;
    // No tag has a comma of its own that is one of ours, and whether one is weak does not matter here.
    while (!if_none_match.empty()) {
        std::string_view one = cut(if_none_match, ',');
        if (one.starts_with("W/")) one.remove_prefix(2);
        if (one == tag) return true;
    }
    return false;
}

std::optional<std::chrono::seconds> wait_preferred(std::string_view prefer)
{
    while (!prefer.empty()) {
        std::string_view preference = cut(prefer, ',');
        // What follows a semicolon are parameters, of which "wait" has none.
        std::string_view value = cut(preference, ';');
        if (!is_wait(cut(value, '='))) continue;
        value = trimmed(value);
        if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
            value = value.substr(1, value.size() - 2);
        unsigned seconds = 0;
        const auto read = std::from_chars(value.data(), value.data() + value.size(), seconds);
        const bool is_number = !value.empty() && read.ptr == value.data() + value.size();
        // The first one counts. Source: RFC 7240, section 2.
        if (!is_number || read.ec != std::errc()) return {};
        return std::chrono::seconds(seconds);
    }
    return {};
}

}  // namespace belay::media
