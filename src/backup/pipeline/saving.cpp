#include "backup/pipeline/saving.h"

#include "backup/pipeline/folder_saver.h"
#include "backup/pipeline/target_tree.h"

namespace belay::backup {

Result<Id> save_snapshot(const Repository& repository, const SavingOptions& options,
                         const std::vector<std::string>& paths, const Id& root)
{
    Snapshot snapshot;
    snapshot.time = options.time.value_or(Timestamp::now());
    if (options.parent) snapshot.parent = options.parent->id;
    snapshot.tree = root;
    snapshot.paths = paths;
    snapshot.hostname = options.hostname;
    snapshot.username = options.username;
    snapshot.uid = ::geteuid();
    snapshot.gid = ::getegid();
    snapshot.excludes = options.excludes;
    snapshot.tags = options.tags;
    snapshot.program_version = options.program_version;
    return repository.save_text(FileKind::snapshot, snapshot.to_text());
}

Result<void> save_paths(Repository& repository, const SavingOptions& options, SavingObserver& observer,
                        SavingSummary& summary)
{
    const TargetTree targets = TRY(TargetTree::of(options.paths));
    BlobWriter writer(repository, options.writer);
    Result<Id> root = FolderSaver(repository, options, observer, writer, summary).save(targets);
    const Result<void> finished = writer.finish();
    if (!root) return std::unexpected(std::move(root).error());
    TRY(finished);
    summary.written = writer.written();
    const bool is_same = options.parent && options.parent->tree == *root;
    if (options.writer.dry_run || (options.skip_if_unchanged && is_same)) return {};

    summary.snapshot = TRY(save_snapshot(repository, options, targets.paths(), *root));
    return {};
}

}  // namespace belay::backup
