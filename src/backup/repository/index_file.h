#pragma once
// A file under index/: which blobs lie in which packs.
// Source: restic's design document, "Indexing".

#include "backup/repository/pack.h"

#include <functional>
#include <vector>

namespace belay::backup {

/// So many blobs make an index file full, as restic has it: one of some 8 MiB.
constexpr size_t blobs_of_full_index = 50000;

struct IndexedPack {
    Id id;
    std::vector<PackedBlob> blobs;
};

/// The text of an index file of these packs.
std::string index_text(std::span<const IndexedPack> packs);

/// Reads an index file pack by pack, with little memory beside its text. `each` gets each pack. Errors:
/// corrupt. An id, an offset or a length that makes no sense is corrupt; a name that nobody knew is passed
/// over.
Result<void> read_index(std::string_view text, const std::function<void(IndexedPack)>& each);

}  // namespace belay::backup
