#pragma once
// What differs between two snapshots.

#include "backup/view/tree_walk.h"

#include <unordered_set>

namespace belay::backup {

struct Difference {
    std::string path;      ///< a folder's ends with '/'
    std::string modifier;  ///< restic's: "+", "-", "T" type, "M" content, "M?" content alone, "U" metadata
};

struct DifferenceCounts {
    struct Side {
        uint64_t files = 0, folders = 0, others = 0;
        uint64_t data_blobs = 0, tree_blobs = 0, bytes = 0;
    };
    uint64_t changed_files = 0;
    Side added, removed;
};

struct DifferenceOptions {
    bool metadata = false;  ///< whether changes of metadata alone are told
};

/// Tells every difference from one tree to the other, in the order of paths. Folders that cannot be read are
/// told to `problem`. Errors: where a root cannot be read.
Result<DifferenceCounts> compare_trees(
    const Repository& repository, const Id& from, const Id& to, const DifferenceOptions& options,
    const std::function<void(const Difference&)>& tell,
    const std::function<void(const std::string& path, const Error&)>& problem);

}  // namespace belay::backup
