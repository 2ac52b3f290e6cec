#pragma once
// What a folder holds, as a repository keeps it: a tree is the list of a folder's entries, each a node.
// Source: restic's design document, "Trees and Data".

#include "backup/repository/id.h"
#include "backup/repository/timestamp.h"

#include <optional>
#include <vector>

namespace belay::backup {

enum class NodeType : uint8_t { file, dir, symlink, dev, chardev, fifo, socket, irregular };
std::string_view name_of(NodeType type);
/// The kind of file in st_mode, as S_IFDIR; of what is irregular S_IFREG.
uint32_t unix_kind(NodeType type);
/// The other way round.
NodeType type_of_mode(uint32_t mode);

struct ExtendedAttribute {
    std::string name;
    std::string value;  ///< raw bytes
    bool operator==(const ExtendedAttribute&) const = default;
};

/// One entry of a folder.
struct Node {
    std::string name = {};  ///< raw bytes, not empty, without '/' and zero bytes; neither "." nor ".."
    NodeType type = NodeType::file;
    uint32_t mode = 0;  ///< the low twelve bits of st_mode
    Timestamp mtime = {}, atime = {}, ctime = {};
    uint32_t uid = 0, gid = 0;
    std::string user = {}, group = {};
    uint64_t inode = 0;
    uint64_t device_id = 0;  ///< of the filesystem
    uint64_t size = 0;       ///< of a file
    uint64_t links = 0;
    std::string link_target = {};
    std::vector<ExtendedAttribute> attributes = {};
    uint64_t device = 0;           ///< st_rdev of a device
    std::vector<Id> content = {};  ///< blobs of a file, in order
    std::optional<Id> subtree = {};
    std::string error = {};

    bool operator==(const Node&) const = default;
};

/// Type and mode as Go's os.FileMode has them: what a repository holds, and --json shows.
uint32_t go_mode(const Node& node);

/// The text of a tree, byte for byte as restic writes it, with a newline at its end: the same folder has the
/// same id, whichever tool has seen it. `nodes` are sorted by name.
std::string tree_text(std::span<const Node> nodes);

/// Errors: corrupt: no tree; a name that no file can have; a name twice or out of order; more than a folder
/// can hold.
Result<std::vector<Node>> read_tree(std::string_view text);

}  // namespace belay::backup
