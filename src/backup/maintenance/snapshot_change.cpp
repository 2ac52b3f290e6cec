#include "backup/maintenance/snapshot_change.h"

#include <algorithm>

namespace belay::backup {
namespace {

/// Whether it has changed anything.
bool apply(const TagChange& change, std::vector<std::string>& tags)
{
    const std::vector<std::string> before = tags;
    if (change.set)
        tags = *change.set == std::vector<std::string>{""} ? std::vector<std::string>() : *change.set;
    for (const std::string& tag : change.add) {
        if (std::ranges::find(tags, tag) == tags.end()) tags.push_back(tag);
    }
    for (const std::string& tag : change.remove) std::erase(tags, tag);
    return tags != before;
}

}  // namespace

Result<void> TagChange::is_sensible() const
{
    if (set && (!add.empty() || !remove.empty()))
        return fail(ErrorKind::usage, "tags are set, or added and removed, not both at once",
                    "give --set alone, or --add and --remove");
    if (!set && add.empty() && remove.empty())
        return fail(ErrorKind::usage, "nothing was said of the tags", "give --set, --add or --remove");
    return {};
}

Result<Id> save_successor(const Repository& repository, const Snapshot& old, Snapshot fresh,
                          std::span<const Snapshot> others)
{
    if (!fresh.original) fresh.original = old.id;
    fresh.id = {};
    const std::string text = fresh.to_text();
    for (const Snapshot& other : others) {
        if (other.id != old.id && other.to_text() == text) return other.id;
    }
    return repository.save_text(FileKind::snapshot, text);
}

Result<void> change_tags(const Repository& repository, const RepositoryLock& lock,
                         std::span<const Snapshot> chosen, std::span<const Snapshot> all,
                         const TagChange& change, const SnapshotReplaced& replaced)
{
    TRY(change.is_sensible());
    for (const Snapshot& old : chosen) {
        Snapshot fresh = old;
        if (!apply(change, fresh.tags)) continue;
        const Id id = TRY(save_successor(repository, old, std::move(fresh), all));
        TRY(still_held(lock));
        TRY(repository.backend().remove({FileKind::snapshot, old.id}));
        replaced(old.id, id);
    }
    return {};
}

}  // namespace belay::backup
