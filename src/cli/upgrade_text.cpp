#include "cli/upgrade_text.h"

#include "cli/fields.h"

#include <algorithm>
#include <fmt/ranges.h>

namespace belay::cli {
namespace {

/// What stands between commas, whole.
bool is_listed(std::string_view list, std::string_view name)
{
    while (!list.empty()) {
        const size_t comma = std::min(list.find(','), list.size());
        if (list.substr(0, comma) == name) return true;
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return false;
}

/// Of the other one this host knows what its own one hears.
bool is_ready_side(const Json& side, const Json& other)
{
    const std::string phase = raw_text(side, "phase");
    if (phase == "unknown") return flag_of(object_of(other, "pair"), "other_ready");
    return phase == "started" || phase == "standby";
}

}  // namespace

std::string install_type_text(std::string_view procedure)
{
    if (procedure.starts_with("pair.upgrade")) return "image, in service, the standby first";
    if (procedure == "member.upgrade") return "image, in service, on one host";
    if (procedure == "image.install") return "image, beside what runs";
    return "";
}

Json pairs_of_upgrade(const Json& view, const Json& pairs)
{
    Json found = Json::array();
    const std::string state = raw_text(view, "state");
    if (state == "committed" || state == "aborted") return found;
    const Json& asked = object_of(object_of(view, "plan"), "asked");
    const std::string names = raw_text(asked, "pair") + ',' + raw_text(asked, "application");
    for (const Json& pair : pairs) {
        const Json& sides = list_of(pair, "applications");
        const bool is_named =
            is_listed(names, raw_text(pair, "name")) || std::ranges::any_of(sides, [&](const Json& side) {
                return is_listed(names, raw_text(side, "name"));
            });
        if (is_named) found.push_back(pair);
    }
    return found;
}

std::vector<std::string> running_images(const Style& style, const Json& pair)
{
    std::vector<std::string> lines;
    for (const Json& side : list_of(pair, "applications")) {
        if (raw_text(side, "phase") == "unknown") continue;
        const Json& image = object_of(side, "image");
        const std::string host = text_of(style, side, "host");
        lines.push_back(fmt::format(
            "{}{}: {}", text_of(style, side, "name"), host.empty() ? "" : " on " + host,
            image.empty()
                ? "no image"
                : fmt::format("{} {}", text_of(style, image, "name"), text_of(style, image, "version"))));
    }
    return lines;
}

std::string operating_mode_text(const Style& style, const Json& pair)
{
    const Json& sides = list_of(pair, "applications");
    std::vector<std::string> words = {text_of(style, pair, "redundancy")};
    for (size_t at = 0; at < sides.size(); ++at) {
        if (!is_ready_side(sides[at], sides[sides.size() - 1 - at]))
            words.push_back(fmt::format("{} is not ready ({})", text_of(style, sides[at], "name"),
                                        text_of(style, sides[at], "phase")));
    }
    if (words.size() == 1) words.emplace_back("both ready");
    const std::string serves = text_of(style, pair, "serves");
    words.push_back(serves.empty() ? "nobody serves" : serves + " serves");
    return fmt::format("{}", fmt::join(words, ", "));
}

}  // namespace belay::cli
