#include "backup/pipeline/saving.h"

#include "backup/pipeline/folder_saver.h"
#include "backup/pipeline/target_tree.h"

namespace belay::backup {

Result<void> save_paths(Repository& repository, const SavingOptions& options, SavingObserver& observer,
                        SavingSummary& summary)
{
    const TargetTree targets = TRY(TargetTree::of(options.paths));
    BlobWriter writer(repository, options.writer);
    std::optional<Id> root;
    {
        FolderSaver saver(repository, options, observer, writer, summary);
        root = TRY(saver.save(targets));
    }
    TRY(writer.finish());
    summary.written = writer.written();
    if (options.writer.dry_run) return {};

    Snapshot snapshot;
    snapshot.time = options.time.value_or(Timestamp::now());
    if (options.parent) snapshot.parent = options.parent->id;
    snapshot.tree = *root;
    snapshot.paths = targets.paths();
    snapshot.hostname = options.hostname;
    snapshot.username = options.username;
    snapshot.uid = ::geteuid();
    snapshot.gid = ::getegid();
    snapshot.excludes = options.excludes;
    snapshot.tags = options.tags;
    snapshot.program_version = options.program_version;
    summary.snapshot = TRY(repository.save_text(FileKind::snapshot, snapshot.to_text()));
    return {};
}

}  // namespace belay::backup
