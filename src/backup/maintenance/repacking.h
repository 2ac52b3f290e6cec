#pragma once
// Blobs out of old packs into new ones.

#include "backup/repository/repository.h"

namespace belay::backup {

struct RepackOptions {
    size_t pack_size = 16 << 20;
    bool compress = false;  ///< data that is not compressed; trees always are, where the format has it
    size_t threads = 0;     ///< 0: as many as there are processors
};

/// Writes the blobs of `packs` (numbers in the index) for which `wanted` is set, by the numbers of their
/// entries, into new packs, and an index of these. Each is held against its id; one that is damaged is taken
/// from another pack. The old packs stay. `done` is told of each pack. Errors: corrupt, where a blob is
/// damaged in all packs; those of the place; then packs of a full index may be there.
Result<void> repack(Repository& repository, std::span<const uint32_t> packs, const std::vector<bool>& wanted,
                    const RepackOptions& options, const std::function<void()>& done);

}  // namespace belay::backup
