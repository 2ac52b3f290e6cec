#include "upgrade/iosxe/show/install_table.h"

#include <algorithm>

namespace belay::upgrade::iosxe::show {
namespace {

using printed::words_of;

constexpr std::string_view state_letters = "IUCD";

bool is_place_word(std::string_view word)
{
    return same_words(word, "Switch") || same_words(word, "Chassis");
}

/// "1", "R0", "1/R0".
bool is_member(std::string_view word)
{
    const auto is_one_of = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '/';
    };
    return std::ranges::all_of(word, is_one_of) && word.find_first_of("0123456789") != std::string_view::npos;
}

/// "01:49:42", also with more hours than fit into two digits.
std::optional<std::chrono::seconds> span_of(std::string_view text)
{
    std::chrono::seconds span{0};
    for (const size_t part : {size_t{0}, size_t{1}, size_t{2}}) {
        const size_t end = part == 2 ? text.size() : text.find(':');
        if (end == std::string_view::npos) return std::nullopt;
        const std::string_view digits = text.substr(0, end);
        const std::optional<uint64_t> number = printed::whole_number(digits);
        if (!number || digits.empty() || digits.size() > 4 || (part > 0 && *number > 59)) return std::nullopt;
        if (part > 0 && digits.size() != 2) return std::nullopt;
        span = span * 60 + std::chrono::seconds(*number);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return span;
}

}  // namespace

std::string_view name_of(PackageState state)
{
    constexpr std::string_view names[] = {"inactive", "uncommitted", "committed", "deactivated"};
    return names[static_cast<size_t>(state)];
}

bool is_legend(std::string_view text)
{
    return text.starts_with("State (St):") || text.starts_with("C - Activated & Committed");
}

bool is_package_heading(std::string_view text)
{
    return same_words(text, "Type St Filename/Version");
}

std::optional<InstalledPackage> package_of(std::string_view text)
{
    const std::vector<std::string_view> words = words_of(text);
    if (words.size() != 3 || words[1].size() != 1) return std::nullopt;
    const size_t state = state_letters.find(words[1]);
    const bool is_type = std::ranges::all_of(words[0], [](char c) { return c >= 'A' && c <= 'Z'; });
    if (state == std::string_view::npos || !is_type) return std::nullopt;
    return InstalledPackage{.type = std::string(words[0]),
                            .state = static_cast<PackageState>(state),
                            .version = std::string(words[2])};
}

std::vector<std::string> members_of(std::string_view place)
{
    std::vector<std::string> members;
    for (const std::string_view word : words_of(place)) {
        if (is_place_word(word)) continue;
        if (!is_member(word) || members.size() == most_members) return {};
        members.emplace_back(word);
    }
    return members;
}

std::optional<AutoAbortTimer> auto_abort_timer_of(std::string_view text)
{
    AutoAbortTimer timer;
    if (text == "inactive") return timer;
    timer.active = true;
    const size_t comma = text.find(',');
    std::string_view operation = text.substr(0, comma);
    if (const auto by = after(operation, "active on ")) operation = *by;
    timer.operation = operation;
    if (operation.empty() || comma == std::string_view::npos) return std::nullopt;
    const std::string_view rest = printed::trimmed(text.substr(comma + 1));
    constexpr std::string_view forms[] = {"time before rollback - ", "remaining time before rollback: ",
                                          "remaining time before rollback - ", "time before rollback: "};
    for (const std::string_view form : forms)
        if (const auto span = after(rest, form)) timer.left = span_of(*span);
    return timer.left ? std::optional(timer) : std::nullopt;
}

std::optional<Rollback> rollback_of(std::string_view text)
{
    if (const auto reason = after(text, "inactive,")) {
        if (reason->empty()) return std::nullopt;
        return Rollback{.timer = {}, .reason = std::string(*reason)};
    }
    const auto timer = auto_abort_timer_of(text);
    if (!timer) return std::nullopt;
    return Rollback{.timer = *timer, .reason = {}};
}

std::optional<std::string_view> lock_location_of(std::string_view text)
{
    constexpr std::string_view lock = " local lock acquisition on ";
    const size_t at = text.find(lock);
    if (at == std::string_view::npos) return std::nullopt;
    const std::string_view rest = text.substr(at + lock.size());
    return printed::trimmed(rest.substr(0, rest.find(" ---")));
}

Json json_of(const std::vector<InstalledPackage>& packages)
{
    Json json = Json::array();
    for (const InstalledPackage& package : packages)
        json.push_back(
            {{"type", package.type}, {"state", name_of(package.state)}, {"version", package.version}});
    return json;
}

}  // namespace belay::upgrade::iosxe::show
