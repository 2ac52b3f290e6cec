#pragma once
// A file of this machine as a node: everything that a restore needs but the content.

#include "backup/pipeline/listing.h"
#include "backup/repository/node.h"

#include <functional>
#include <mutex>
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

/// The node of an entry by its status alone.
Node node_of(std::string name, const struct stat& status, AccountNames& accounts);

/// Adds what the status does not tell: the target of a link, and extended attributes. `before` is what it was
/// in a parent snapshot, or null: where it has not been touched since, they are taken from there. A problem
/// with attributes alone is told to `problem` and leaves them out. Errors: those of the system.
Result<void> add_details(Node& node, const Place& place, const Node* before,
                         const std::function<void(const Error&)>& problem);

/// The extended attributes of an open file, at a tenth of the cost. Errors: those of the system.
Result<std::vector<ExtendedAttribute>> attributes_of(int file, const std::string& path);

}  // namespace belay::backup
