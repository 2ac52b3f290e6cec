#include "upgrade/iosxe/show/log_message.h"

#include <algorithm>
#include <array>

namespace belay::upgrade::iosxe::show {
namespace {

constexpr size_t longest_stamp = 60;
constexpr size_t looked_back = 96;  ///< for a time stamp, so that no line takes long

bool is_figure(char c)
{
    return c >= '0' && c <= '9';
}

bool is_of_mnemonic(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || is_figure(c) || c == '_';
}

/// "%FACILITY-SUB-5-MNEMONIC:", from its per cent sign on.
bool is_mnemonic(std::string_view text)
{
    if (!text.starts_with('%')) return false;
    text.remove_prefix(1);
    int parts = 0;
    bool had_level = false;
    while (true) {
        const size_t length =
            static_cast<size_t>(std::ranges::find_if_not(text, is_of_mnemonic) - text.begin());
        if (length == 0) return false;
        const bool is_level = length == 1 && text[0] >= '0' && text[0] <= '7';
        if (length < text.size() && text[length] == ':') return had_level && parts >= 2;
        if (length == text.size() || text[length] != '-') return false;
        had_level = is_level && parts > 0;
        ++parts;
        text.remove_prefix(length + 1);
    }
}

/// Where the time stamp begins that ends with `text`; npos: it is none.
size_t begin_of_stamp(std::string_view text)
{
    constexpr std::array months = {"Jan ", "Feb ", "Mar ", "Apr ", "May ", "Jun ",
                                   "Jul ", "Aug ", "Sep ", "Oct ", "Nov ", "Dec "};
    if (text.find_first_not_of(" *.") == std::string_view::npos) return 0;
    if (!text.ends_with(": ")) return std::string_view::npos;
    size_t begins = std::string_view::npos;
    for (const char* month : months) {
        const size_t at = text.rfind(month);
        if (at != std::string_view::npos && (begins == std::string_view::npos || at > begins)) begins = at;
    }
    if (begins == std::string_view::npos) {
        // Since the start of the device: "00:12:03: ", "*1w2d: ".
        const std::string_view stamp = text.substr(0, text.size() - 2);
        begins = stamp.find_last_of(' ') + 1;  // npos + 1: its whole
        if (begins < stamp.size() && (stamp[begins] == '*' || stamp[begins] == '.')) ++begins;
        if (begins == stamp.size() || !is_figure(stamp[begins])) return std::string_view::npos;
        const auto may_be = [](char c) { return is_of_mnemonic(c) || c == ':' || c == '.'; };
        if (!std::ranges::all_of(stamp.substr(begins), may_be)) return std::string_view::npos;
    }
    if (text.size() - begins > longest_stamp) return std::string_view::npos;
    if (begins > 0 && (text[begins - 1] == '*' || text[begins - 1] == '.')) --begins;
    // A number before it: "000123: *Feb ...".
    if (begins >= 2 && text.substr(begins - 2, 2) == ": ") {
        size_t digits = begins - 2;
        while (digits > 0 && is_figure(text[digits - 1])) --digits;
        if (digits < begins - 2) begins = digits;
    }
    return begins;
}

}  // namespace

std::optional<size_t> begin_of_log(std::string_view line)
{
    for (size_t at = line.find('%'); at != std::string_view::npos; at = line.find('%', at + 1)) {
        if (!is_mnemonic(line.substr(at))) continue;
        const size_t from = at > looked_back ? at - looked_back : 0;
        const size_t begins = begin_of_stamp(line.substr(from, at - from));
        if (begins != std::string_view::npos) return from + begins;
    }
    return std::nullopt;
}

bool continues_log(std::string_view line)
{
    return line.starts_with("-Traceback=") || line.starts_with("-Process=");
}

}  // namespace belay::upgrade::iosxe::show
