#pragma once
// One pack, held against its ids and against what the index says of it.

#include "backup/repository/repository.h"

namespace belay::backup {

/// Reads all of the pack. `known`: what the index says of it, by offsets; empty, where no index knows it.
/// Errors: what is wrong with it; those of the place. Threads: any.
Result<void> check_pack(const Repository& repository, const ListedFile& pack,
                        std::span<const PackedBlob> known);

}  // namespace belay::backup
