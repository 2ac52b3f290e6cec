#include "upgrade/iosxe/vty/prompt.h"

#include <algorithm>
#include <array>

namespace belay::upgrade::iosxe::vty {
namespace {

constexpr size_t longest_host = 63;
constexpr size_t longest_mode = 40;
constexpr std::string_view standby_mark = "-stby";

bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool is_host(std::string_view text)
{
    const auto may_be = [](char c) {
        return is_letter(c) || is_digit(c) || std::string_view("-_./:+@").find(c) != std::string_view::npos;
    };
    return !text.empty() && text.size() <= longest_host && (is_letter(text[0]) || is_digit(text[0])) &&
           std::ranges::all_of(text, may_be);
}

bool is_mode(std::string_view text)
{
    const auto may_be = [](char c) {
        return is_letter(c) || is_digit(c) || c == '-' || c == '_' || c == ' ';
    };
    return !text.empty() && text.size() <= longest_mode && std::ranges::all_of(text, may_be);
}

/// "[y/n]", "[yes/no]:", "[y/n/q]": words of a few letters, of which one is to be said.
bool offers_choice(std::string_view line)
{
    while (line.ends_with('?') || line.ends_with(':')) line.remove_suffix(1);
    const size_t open = line.rfind('[');
    if (!line.ends_with(']') || open == std::string_view::npos) return false;
    const std::string_view words = line.substr(open + 1, line.size() - open - 2);
    constexpr size_t longest_choice = 12;
    return words.size() <= longest_choice && words.find('/') != std::string_view::npos &&
           words.front() != '/' && words.back() != '/' &&
           std::ranges::all_of(words, [](char c) { return is_letter(c) || c == '/'; });
}

}  // namespace

std::optional<Prompt> read_prompt(std::string_view line)
{
    if (line.empty() || line.size() > longest_host + longest_mode + 10) return std::nullopt;
    if (line.back() != '#' && line.back() != '>') return std::nullopt;
    Prompt prompt{.host = {}, .is_privileged = line.back() == '#'};
    line.remove_suffix(1);
    if (line.ends_with(')')) {
        const size_t open = line.find('(');
        if (open == std::string_view::npos) return std::nullopt;
        prompt.mode = line.substr(open + 1, line.size() - open - 2);
        if (!is_mode(prompt.mode)) return std::nullopt;
        line = line.substr(0, open);
    }
    if (line.ends_with(standby_mark)) {
        prompt.is_standby = true;
        line.remove_suffix(standby_mark.size());
    }
    if (!is_host(line)) return std::nullopt;
    prompt.host = line;
    return prompt;
}

bool asks(std::string_view line)
{
    constexpr std::array<std::string_view, 10> ends = {
        "[confirm]", "[yes]:", "[no]:", "(y/n)", "(y/n)?", "]?", "]?:", "sername:", "assphrase:", "ASSCODE:"};
    return offers_choice(line) || asks_for_password(line) ||
           std::ranges::any_of(ends, [&](std::string_view end) { return line.ends_with(end); });
}

bool asks_for_password(std::string_view line)
{
    return line.ends_with("assword:");
}

bool waits_for_key(std::string_view line)
{
    return line.ends_with("--More--");
}

}  // namespace belay::upgrade::iosxe::vty
