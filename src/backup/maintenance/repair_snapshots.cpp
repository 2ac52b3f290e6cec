#include "backup/maintenance/repair.h"
#include "backup/maintenance/tree_edit.h"

#include <algorithm>

namespace belay::backup {
namespace {

class SnapshotRepair {
  public:
    SnapshotRepair(Repository& repository, const SnapshotRepairOptions& options, RepairObserver& observer,
                   SnapshotRepairSummary& summary)
        : repository_(repository), options_(options), observer_(observer), summary_(summary)
    {
    }

    Result<void> run(const RepositoryLock& lock, const Snapshot& old, std::span<const Snapshot> all)
    {
        BlobWriter writer(repository_, {.dry_run = options_.dry_run});
        bool root_is_lost = false;
        TreeEdit edit;
        edit.edit = [&](const std::string& path, const Node& node) { return repaired(old, path, node); };
        edit.empties_unreadable = [&](const std::string& path, const Error& error) {
            root_is_lost |= path.empty();
            ++summary_.folders;
            observer_.found(fmt::format("snapshot {}: the folder {}/ is empty, for its tree is lost: {}",
                                        old.id.short_hex(), path, error.what));
            return true;
        };
        const Id tree = TRY(edit_tree(repository_, writer, old.tree, edit));
        if (root_is_lost) {
            ++summary_.lost;
            // Nothing of it is left that another one could say.
            if (options_.forget && !options_.dry_run) return forget(lock, old);
            return {};
        }
        if (tree == old.tree) {
            ++summary_.sound;
            return {};
        }
        ++summary_.repaired;
        if (options_.dry_run) return {};
        TRY(writer.finish());
        Snapshot fresh = old;
        fresh.tree = tree;
        fresh.summary = nullptr;  // it counts what is no longer there
        if (!options_.forget && std::ranges::find(fresh.tags, "repaired") == fresh.tags.end())
            fresh.tags.emplace_back("repaired");
        TRY(save_successor(repository_, old, std::move(fresh), all));
        return options_.forget ? forget(lock, old) : Result<void>();
    }

  private:
    Result<void> forget(const RepositoryLock& lock, const Snapshot& old) const
    {
        return forget_snapshots(repository_, lock, {&old.id, 1}, [](const Id&) {});
    }

    std::optional<Node> repaired(const Snapshot& snapshot, const std::string& path, const Node& node)
    {
        if (node.type == NodeType::dir && !node.subtree) {
            ++summary_.folders;
            observer_.found(fmt::format("snapshot {}: the folder {} has no tree and goes",
                                        snapshot.id.short_hex(), path));
            return std::nullopt;
        }
        if (node.type != NodeType::file) return node;
        Node fresh = node;
        fresh.content.clear();
        fresh.size = 0;
        for (const Id& blob : node.content) {
            const std::optional<uint64_t> size = repository_.blobs().content_size(BlobType::data, blob);
            if (!size) continue;
            fresh.content.push_back(blob);
            fresh.size += *size;
        }
        if (fresh == node) return node;
        ++summary_.files;
        observer_.found(fmt::format("snapshot {}: the file {} keeps {} of its {} bytes",
                                    snapshot.id.short_hex(), path, fresh.size, node.size));
        return fresh;
    }

    Repository& repository_;
    const SnapshotRepairOptions& options_;
    RepairObserver& observer_;
    SnapshotRepairSummary& summary_;
};

}  // namespace

Result<void> repair_snapshots(Repository& repository, const RepositoryLock& lock,
                              std::span<const Snapshot> chosen, std::span<const Snapshot> all,
                              const SnapshotRepairOptions& options, RepairObserver& observer,
                              SnapshotRepairSummary& summary)
{
    SnapshotRepair repair(repository, options, observer, summary);
    for (const Snapshot& snapshot : chosen) TRY(repair.run(lock, snapshot, all));
    return {};
}

}  // namespace belay::backup
