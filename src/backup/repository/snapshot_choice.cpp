#include "backup/repository/snapshot_choice.h"

#include "backup/catalog/model.h"

#include <algorithm>

namespace belay::backup {
namespace {

bool has(const std::vector<std::string>& all, const std::string& one)
{
    return std::ranges::find(all, one) != all.end();
}

bool has_all(const std::vector<std::string>& all, const std::vector<std::string>& wanted)
{
    return std::ranges::all_of(wanted, [&](const std::string& one) { return has(all, one); });
}

bool has_tags(const Snapshot& snapshot, const std::vector<std::string>& wanted)
{
    const bool wants_none = wanted.size() == 1 && wanted.front().empty();
    return wants_none ? snapshot.tags.empty() : has_all(snapshot.tags, wanted);
}

}  // namespace

bool SnapshotFilter::matches(const Snapshot& snapshot) const
{
    return (hosts.empty() || has(hosts, snapshot.hostname)) && has_all(snapshot.paths, paths) &&
           (tags.empty() ||
            std::ranges::any_of(tags, [&](const auto& list) { return has_tags(snapshot, list); }));
}

Result<Snapshot> choose_snapshot(std::span<const Snapshot> all, std::string_view said,
                                 const SnapshotFilter& filter)
{
    const Snapshot* found = nullptr;
    if (said == "latest") {
        for (const Snapshot& snapshot : all)
            if (filter.matches(snapshot)) found = &snapshot;
        if (found == nullptr)
            return fail(ErrorKind::not_found, "no snapshot is of that host, with those paths and tags",
                        "belay backup snapshots");
        return *found;
    }
    for (const Snapshot& snapshot : all) {
        if (said.empty() || !snapshot.id.hex().starts_with(said)) continue;
        if (found != nullptr)
            return fail(ErrorKind::usage, fmt::format("the ids of several snapshots begin with {}", said),
                        "write more of it: belay backup snapshots");
        found = &snapshot;
    }
    if (found == nullptr)
        return fail(ErrorKind::not_found, fmt::format("there is no snapshot {}", said),
                    "belay backup snapshots");
    return *found;
}

Result<std::vector<Snapshot>> choose_snapshots(std::span<const Snapshot> all,
                                               const std::vector<std::string>& said,
                                               const SnapshotFilter& filter)
{
    std::vector<Snapshot> chosen;
    if (said.empty()) {
        std::ranges::copy_if(all, std::back_inserter(chosen),
                             [&](const Snapshot& snapshot) { return filter.matches(snapshot); });
        return chosen;
    }
    for (const std::string& one : said) {
        Snapshot snapshot = TRY(choose_snapshot(all, one, filter));
        if (std::ranges::find(chosen, snapshot.id, &Snapshot::id) == chosen.end())
            chosen.push_back(std::move(snapshot));
    }
    return chosen;
}

std::optional<Snapshot> parent_of(std::span<const Snapshot> all, const std::string& host,
                                  const std::vector<std::string>& paths, const Timestamp& time,
                                  const std::string& identity)
{
    const SnapshotFilter of_host{.hosts = {host}, .paths = paths}, of_any{.paths = paths};
    const Snapshot *found = nullptr, *found_by_name = nullptr;
    for (const Snapshot& snapshot : all) {
        if (snapshot.time > time) continue;
        const std::string theirs = identity.empty() ? std::string() : catalog::identity_of(snapshot.tags);
        if (!theirs.empty() && theirs == identity && of_any.matches(snapshot)) found = &snapshot;
        if (theirs.empty() && of_host.matches(snapshot)) found_by_name = &snapshot;
    }
    if (found == nullptr) found = found_by_name;
    return found == nullptr ? std::nullopt : std::optional(*found);
}

}  // namespace belay::backup
