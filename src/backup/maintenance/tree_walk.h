#pragma once
// Trees, from the roots down, by all threads.

#include "backup/repository/node.h"
#include "backup/repository/repository.h"

namespace belay::backup {

struct TreeWalk {
    /// Whether a tree is read; says yes to each once, however many folders share it. Threads: all of the
    /// walk.
    std::function<bool(const Id& tree)> claims;
    /// Is given each tree that was read. Its error ends the walk. Threads: all of the walk.
    std::function<Result<void>(const Id& tree, const std::vector<Node>& nodes)> visit;
    size_t threads = 0;  ///< 0: as many as there are processors
};

/// Walks the trees below `roots`, which need the index. Errors: the first of `visit`; not_found, corrupt and
/// those of the place, where a tree cannot be read: then the rest is not looked at.
Result<void> walk_trees(const Repository& repository, std::span<const Id> roots, const TreeWalk& walk);

}  // namespace belay::backup
