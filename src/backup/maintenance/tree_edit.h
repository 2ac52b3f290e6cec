#pragma once
// Trees with something left out: what is the same stays the same tree.

#include "backup/pipeline/blob_writer.h"
#include "backup/repository/node.h"

namespace belay::backup {

struct TreeEdit {
    /// What becomes of an entry; nothing: it is left out, with all below. `path` begins with '/'. A folder
    /// that stays is asked about before what is in it.
    std::function<std::optional<Node>(const std::string& path, const Node& node)> edit;
    /// A folder's tree cannot be read; whether it shall be empty in its place. Without this, or where it says
    /// no, the error ends it all.
    std::function<bool(const std::string& path, const Error& error)> empties_unreadable = {};
};

/// The tree that `root` becomes; new trees are put into `writer`. Where nothing changes, it is `root` itself.
/// Errors: those of reading trees; refused, where a tree holds something that this program cannot write
/// again; those of the writer.
Result<Id> edit_tree(const Repository& repository, BlobWriter& writer, const Id& root, const TreeEdit& edit);

}  // namespace belay::backup
