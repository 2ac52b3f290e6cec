#include "backup/maintenance/snapshot_groups.h"

#include "backup/catalog/model.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace belay::backup {

Result<GroupBy> GroupBy::from_text(std::string_view text)
{
    GroupBy by{.host = false, .paths = false, .tags = false};
    while (!text.empty()) {
        const size_t end = std::min(text.find(','), text.size());
        const std::string_view word = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (word == "host" || word == "hosts")
            by.host = true;
        else if (word == "path" || word == "paths")
            by.paths = true;
        else if (word == "tag" || word == "tags")
            by.tags = true;
        else if (!word.empty())
            return fail(ErrorKind::usage,
                        fmt::format("snapshots are not grouped by \"{}\"", word.substr(0, 80)),
                        "name host, paths, tags, or several of them with commas");
    }
    return by;
}

std::vector<SnapshotGroup> group_snapshots(std::span<const Snapshot> snapshots, const GroupBy& by)
{
    const auto sorted = [](bool wanted, std::vector<std::string> words) {
        if (!wanted) words.clear();
        std::ranges::sort(words);
        return words;
    };
    std::map<std::tuple<std::string, std::vector<std::string>, std::vector<std::string>>, SnapshotGroup>
        groups;
    for (const Snapshot& snapshot : snapshots) {
        const std::string identity = by.host ? catalog::identity_of(snapshot.tags) : std::string();
        // No host is called like an identity: a name has no slash.
        const std::string host = !by.host           ? std::string()
                                 : identity.empty() ? snapshot.hostname
                                                    : "/" + identity;
        const std::vector<std::string> paths = sorted(by.paths, snapshot.paths);
        const std::vector<std::string> tags = sorted(by.tags, snapshot.tags);
        SnapshotGroup& group = groups[{host, paths, tags}];
        group.paths = paths;
        group.tags = tags;
        group.snapshots.push_back(snapshot);
    }
    std::vector<SnapshotGroup> all;
    for (auto& [key, group] : groups) {
        std::ranges::stable_sort(group.snapshots,
                                 [](const Snapshot& a, const Snapshot& b) { return b.time < a.time; });
        if (by.host) group.host = group.snapshots.front().hostname;
        all.push_back(std::move(group));
    }
    return all;
}

}  // namespace belay::backup
