#pragma once
// The files of a snapshot, one after the other.

#include "backup/repository/node.h"
#include "backup/repository/repository.h"

namespace belay::backup {

/// What comes after an entry.
enum class Next { enter, skip, stop };

struct VisitedNode {
    std::string path;  ///< "/home/ann"
    const Node& node;
    const Id& tree;  ///< that it is an entry of
};

/// The entries of a folder. Errors: as load_blob; corrupt.
Result<std::vector<Node>> load_tree(const Repository& repository, const Id& tree);

/// Visits every entry below `tree`, a folder before what is in it, in the order of names. `path` stands
/// before all paths; "" for the root. A folder that cannot be read is told to `problem` and passed over.
/// Errors: where the first tree cannot be read; those of the visit.
Result<void> walk_tree(const Repository& repository, const Id& tree, const std::string& path,
                       const std::function<Result<Next>(const VisitedNode&)>& visit,
                       const std::function<void(const std::string& path, const Error&)>& problem);

/// The entry at an absolute path; the root is a folder without a name. Errors: not_found, naming the part
/// that is not there; as load_tree.
Result<Node> find_entry(const Repository& repository, const Id& root, std::string_view path);

/// "drwxr-xr-x" as Go writes it: what restic shows.
std::string permissions_text(const Node& node);

/// "/a/b" of "a/b/", "/a/./b": absolute, without a slash at its end; the root is "/".
std::string clean_path(std::string_view path);
/// Whether `path` is `folder` or lies in it; both are clean.
bool lies_in(std::string_view path, std::string_view folder);

}  // namespace belay::backup
