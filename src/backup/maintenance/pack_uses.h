#pragma once
// What is used of each pack, blob by blob.

#include "backup/maintenance/prune_plan.h"
#include "backup/maintenance/used_blobs.h"

namespace belay::backup {

struct PackUses {
    std::vector<PackUse> packs;         ///< by their numbers in the index
    std::vector<bool> kept;             ///< of each entry of the index, whether it is the copy that is used
    std::vector<ListedFile> unindexed;  ///< files that no index knows
};

/// Counts. Of several copies of a used blob one is chosen, in the pack that is used most besides. Errors:
/// corrupt, where a used blob lies in no pack that is there, or in one that has another size than by the
/// index.
Result<PackUses> measure_packs(const Repository& repository, const UsedBlobs& used,
                               std::span<const ListedFile> packs);

}  // namespace belay::backup
