#pragma once
// Snapshots without what should never have been in them.
// Source: restic's manual, "Removing files from snapshots".

#include "backup/maintenance/snapshot_change.h"

namespace belay::backup {

struct RewritingOptions {
    /// What is left out, by its path in the snapshot ("/home/a") and whether it is a folder.
    std::function<bool(const std::string& path, bool is_folder)> is_excluded;
    bool forget = false;  ///< the old snapshots go; else they stay, and the new ones have the tag "rewrite"
    bool dry_run = false;
};

class RewritingObserver {
  public:
    virtual ~RewritingObserver() = default;
    virtual void excluded(const Snapshot& snapshot, const std::string& path) = 0;
    /// A snapshot is done. `fresh`: what is in its place; the same id, where nothing was to be left out;
    /// nothing, of a dry run that would change it.
    virtual void done(const Snapshot& snapshot, const std::optional<Id>& fresh) = 0;
};

/// Rewrites `chosen`, one after the other; `all` are the snapshots of the repository, whose index is loaded.
/// A shared lock is enough. Errors: those of edit_tree(); lost; those of the place: then those told are done.
Result<void> rewrite_snapshots(Repository& repository, const RepositoryLock& lock,
                               std::span<const Snapshot> chosen, std::span<const Snapshot> all,
                               const RewritingOptions& options, RewritingObserver& observer);

}  // namespace belay::backup
