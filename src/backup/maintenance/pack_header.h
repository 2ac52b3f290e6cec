#pragma once
// What a pack says of itself.

#include "backup/repository/repository.h"

namespace belay::backup {

/// The blobs of a pack, by its header. Errors: corrupt, where it has none that can be read; those of the
/// place.
Result<std::vector<PackedBlob>> load_header(const Repository& repository, const ListedFile& pack);

/// Bytes that a pack of these blobs has, and no others.
uint64_t pack_size_of(std::span<const PackedBlob> blobs);

}  // namespace belay::backup
