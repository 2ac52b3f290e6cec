#pragma once
// Snapshots in the place of others: with other tags, or with other trees.

#include "backup/maintenance/forgetting.h"

namespace belay::backup {

/// What becomes of a snapshot's tags.
struct TagChange {
    std::optional<std::vector<std::string>> set = {};  ///< in place of all; {""} or none: no tags
    std::vector<std::string> add = {}, remove = {};

    /// Errors: usage, where it says nothing, or both `set` and something else.
    Result<void> is_sensible() const;
};

/// Stores `fresh`, which was made of the snapshot `old`, as its successor: with `original`, under an id of
/// its own. Where one of `others` says the same already, as a crash may leave it, that is it. The id. Errors:
/// those of the place.
Result<Id> save_successor(const Repository& repository, const Snapshot& old, Snapshot fresh,
                          std::span<const Snapshot> others);

/// Is told which snapshot came in the place of which.
using SnapshotReplaced = std::function<void(const Id& old, const Id& fresh)>;

/// Changes the tags of `chosen`, each by a new snapshot before the old one goes; those that have them already
/// stay as they are. `all` are the snapshots of the repository. A shared lock is enough. Errors: usage; lost;
/// those of the place: then those told are done, and of one more both may be there.
Result<void> change_tags(const Repository& repository, const RepositoryLock& lock,
                         std::span<const Snapshot> chosen, std::span<const Snapshot> all,
                         const TagChange& change, const SnapshotReplaced& replaced);

}  // namespace belay::backup
