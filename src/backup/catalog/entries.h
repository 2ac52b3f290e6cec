#pragma once
// What the catalog keeps of a folder's entries, and how: a tree is one row, its entries packed behind each
// other as
//
//     varint  number of the name
//     byte    type, by the values of NodeType
//     varint  size in bytes
//     varint  zigzag of the time of the last change, seconds since 1970
//     varint  of a folder: number of its tree, 0: none; or 8 bytes: the beginning of a digest of the content
//
// A row for each entry would take three times the room, and longer to write and to read.

#include "backup/repository/node.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::backup::catalog {

/// An entry of a folder, for people and other catalogs.
struct TreeEntry {
    std::string name = {};  ///< raw bytes
    NodeType type = NodeType::file;
    uint64_t size = 0;
    int64_t mtime = 0;               ///< seconds since 1970
    uint64_t content = 0;            ///< the same for the same content; 0 of a folder
    std::optional<Id> subtree = {};  ///< of a folder

    bool operator==(const TreeEntry&) const = default;
};

/// The same by the catalog's own numbers.
struct PackedEntry {
    uint32_t name = 0;
    NodeType type = NodeType::file;
    uint64_t size = 0;
    int64_t mtime = 0;
    uint64_t content = 0;
    int64_t subtree = 0;  ///< 0: none
};

void pack_entry(const PackedEntry& entry, std::string& out);

/// All entries of a row. Errors: corrupt.
Result<std::vector<PackedEntry>> unpack_entries(std::string_view bytes);
/// The one with that name; of the others no more than must be is looked at. Errors: corrupt.
Result<std::optional<PackedEntry>> find_packed(std::string_view bytes, uint32_t name);

/// Whether a file may be called so: 1 to 4096 bytes, without '/' and zero bytes, neither "." nor "..".
bool may_be_name(std::string_view name);
/// "file", "dir": as restic calls it.
std::string_view type_text(NodeType type);
std::optional<NodeType> type_from_text(std::string_view text);

/// Ids without what the repository has of them.
Id id_of_bytes(std::string_view raw);
std::string hex_of(const Id& id);
std::optional<Id> id_of_hex(std::string_view hex);

}  // namespace belay::backup::catalog
