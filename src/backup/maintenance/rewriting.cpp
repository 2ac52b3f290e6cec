#include "backup/maintenance/rewriting.h"

#include "backup/maintenance/tree_edit.h"

#include <algorithm>

namespace belay::backup {
namespace {

Result<std::optional<Id>> rewrite(Repository& repository, const RepositoryLock& lock, const Snapshot& old,
                                  std::span<const Snapshot> all, const RewritingOptions& options,
                                  RewritingObserver& observer)
{
    BlobWriter writer(repository, {.dry_run = options.dry_run});
    TreeEdit edit;
    edit.edit = [&](const std::string& path, const Node& node) -> std::optional<Node> {
        if (!options.is_excluded(path, node.type == NodeType::dir)) return node;
        observer.excluded(old, path);
        return std::nullopt;
    };
    const Id tree = TRY(edit_tree(repository, writer, old.tree, edit));
    if (tree == old.tree) return std::optional(old.id);
    if (options.dry_run) return std::optional<Id>();
    TRY(writer.finish());
    Snapshot fresh = old;
    fresh.tree = tree;
    fresh.summary = nullptr;  // it counts what is no longer there
    if (!options.forget && std::ranges::find(fresh.tags, "rewrite") == fresh.tags.end())
        fresh.tags.emplace_back("rewrite");
    const Id id = TRY(save_successor(repository, old, std::move(fresh), all));
    if (options.forget) TRY(forget_snapshots(repository, lock, {&old.id, 1}, [](const Id&) {}));
    return std::optional(id);
}

}  // namespace

Result<void> rewrite_snapshots(Repository& repository, const RepositoryLock& lock,
                               std::span<const Snapshot> chosen, std::span<const Snapshot> all,
                               const RewritingOptions& options, RewritingObserver& observer)
{
    for (const Snapshot& old : chosen)
        observer.done(old, TRY(rewrite(repository, lock, old, all, options, observer)));
    return {};
}

}  // namespace belay::backup
