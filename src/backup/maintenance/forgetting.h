#pragma once
// Snapshots away. What they alone needed stays until a prune.

#include "backup/repository/repository_lock.h"

namespace belay::backup {

/// Removes snapshots one by one; `removed` is told of each. A shared lock is enough: a snapshot holds nothing
/// that a backup beside it could miss, for blobs go in a prune alone. Errors: lost, where the lock has grown
/// old; those of the place; then those that were not told are still there, or the last one may be.
Result<void> forget_snapshots(const Repository& repository, const RepositoryLock& lock,
                              std::span<const Id> snapshots, const std::function<void(const Id&)>& removed);

/// Refuses where the lock is no longer surely ours. Errors: lost.
Result<void> still_held(const RepositoryLock& lock);

}  // namespace belay::backup
