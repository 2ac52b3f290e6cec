#pragma once
// Whether the files that were restored are those of the snapshot: read back, and held against its blobs.

#include "backup/pipeline/restoring.h"

namespace belay::backup {

struct VerifyingSummary {
    std::atomic<uint64_t> files = 0;     ///< found to be right
    std::atomic<uint64_t> bytes = 0;     ///< read, and held against the blobs
    std::atomic<uint64_t> problems = 0;  ///< that were told
};

/// Reads the regular files below options.target that a restore of `tree` with these options writes, and holds
/// them against the snapshot: size, and content blob by blob; first those that come first in the tree. Of a
/// file with several names the further ones are right where they lead to the first. What the disk holds is
/// read, not what is still in memory, as far as the filesystem of the target does so. Each file that differs
/// or cannot be read is told once. Errors: those of reading the root's tree; those of the system, where the
/// target cannot be opened.
Result<void> verify_tree(const Repository& repository, const Id& tree, const RestoringOptions& options,
                         RestoringObserver& observer, VerifyingSummary& summary);

}  // namespace belay::backup
