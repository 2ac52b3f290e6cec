#pragma once
// A file of this machine as a node: everything that a restore needs but the content.

#include "backup/repository/node.h"

#include <mutex>
#include <sys/stat.h>
#include <unordered_map>

namespace belay::backup {

/// Names of users and groups, each asked for once. Threads: any.
class AccountNames {
  public:
    /// Empty where nobody knows.
    std::string user(uint32_t uid);
    std::string group(uint32_t gid);

  private:
    std::mutex mutex_;
    std::unordered_map<uint32_t, std::string> users_, groups_;
};

/// How a folder is reached, so that long paths and renames above it do no harm.
struct FolderHandle {
    int descriptor = -1;  ///< open as long as somebody uses it
    std::string path;     ///< for people
};

/// The node of an entry of a folder, with its link target and extended attributes. A problem with these alone
/// is told to `problem` and leaves them out. `before` is what it was in a parent snapshot, or null: where it
/// has not been touched since, its link target and attributes are taken from there. Errors: those of the
/// system.
Result<Node> node_of(const FolderHandle& folder, const std::string& name, const Node* before,
                     AccountNames& accounts, const std::function<void(const Error&)>& problem);

/// The same of a path. `name` is what the node is called.
Result<Node> node_of_path(const std::string& path, const std::string& name, AccountNames& accounts,
                          const std::function<void(const Error&)>& problem);

}  // namespace belay::backup
