#pragma once
// What a person means by "latest", "1f2e3d4c" or "1f2e3d4c:/home/ann".

#include "backup/repository/snapshot_choice.h"
#include "backup/view/tree_walk.h"

namespace belay::backup {

struct ChosenTree {
    Snapshot snapshot;
    Id tree;             ///< of the snapshot, or of the folder in it that was named
    std::string folder;  ///< "/home/ann"; empty: the root
};

/// Errors: those of choose_snapshot and find_entry; usage, where what is named is no folder.
Result<ChosenTree> choose_tree(const Repository& repository, std::span<const Snapshot> all,
                               std::string_view said, const SnapshotFilter& filter);

}  // namespace belay::backup
