#include "cli/backup/group_text.h"

namespace belay::cli {

Json group_key_json(const backup::GroupBy& by, const backup::SnapshotGroup& group)
{
    const auto list = [](bool wanted, const std::vector<std::string>& values) {
        return wanted ? Json(values) : Json();
    };
    return {{"hostname", by.host ? group.host : ""},
            {"paths", list(by.paths, group.paths)},
            {"tags", list(by.tags, group.tags)}};
}

std::string group_heading(const Style& style, const backup::GroupBy& by, const backup::SnapshotGroup& group)
{
    std::vector<std::string> parts;
    if (by.host) parts.push_back("host " + group.host);
    if (by.tags) parts.push_back(fmt::format("tags [{}]", fmt::join(group.tags, ", ")));
    if (by.paths) parts.push_back(fmt::format("paths [{}]", fmt::join(group.paths, ", ")));
    if (parts.empty()) return "";
    return paint(style, Tone::bold, clean(style, fmt::format("snapshots of {}", fmt::join(parts, ", ")))) +
           "\n";
}

}  // namespace belay::cli
