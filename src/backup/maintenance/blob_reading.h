#pragma once
// Many blobs, in the order of the packs, with few requests.

#include "backup/repository/repository.h"

namespace belay::backup {

/// A blob that was read and held against its id.
struct ReadBlob {
    PackedBlob blob;
    std::string_view
        sealed;  ///< its bytes in the pack; empty, where these are damaged and another pack had it
    std::string_view content;
};

struct BlobReading {
    /// Is given each blob. Its error ends it all. Threads: all of the run.
    std::function<Result<void>(const ReadBlob& blob)> take;
    std::function<void()> pack_done = [] {};  ///< threads: all of the run
    size_t threads = 0;                       ///< 0: as many as there are processors
};

/// Reads the blobs for which `wanted` is set, by the numbers of their entries, of `packs` (numbers in the
/// index). One that is damaged is taken from another pack. Errors: corrupt, where a blob is damaged in all
/// packs; those of the place and of `take`; the first ends it all.
Result<void> read_blobs(const Repository& repository, std::span<const uint32_t> packs,
                        const std::vector<bool>& wanted, const BlobReading& reading);

}  // namespace belay::backup
