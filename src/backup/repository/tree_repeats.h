#pragma once
// Folders that stand in a snapshot more than once, with the same tree.

#include "backup/repository/id.h"

#include <unordered_set>

namespace belay::backup {

/// Linux has no path of more bytes; the folders of one that is shorter are few enough to go down by calls.
inline constexpr size_t longest_path = 4096;

/// Whoever looks at each path of a snapshot is kept from trees that were made to have more paths than can
/// ever be looked at: sixty folders, each of which holds the next one twice. What was saved in earnest has
/// few trees twice, for they hold inodes: below a bind mount. Threads: one at a time.
class TreeRepeats {
  public:
    /// Whether to go into a tree of so many entries.
    bool may_enter(const Id& tree, size_t entries);
    static Error error_at(const std::string& path);

  private:
    std::unordered_set<Id, IdHash> seen_;
    uint64_t entries_ = 0, repeated_ = 0;
};

}  // namespace belay::backup
