#pragma once
// A pack in the making, in memory.

#include "backup/repository/index_file.h"
#include "backup/repository/repository.h"

namespace belay::backup {

struct FinishedPack {
    IndexedPack index;
    std::string bytes;
};

/// Threads: one at a time.
class PackBuilder {
  public:
    /// Puts a blob behind the others. There is room for it: see has_room_for().
    void add(const SealedBlob& blob);

    bool is_empty() const { return blobs_.empty(); }
    /// Bytes that the pack has so far, with its header.
    size_t size() const;
    /// Whether a pack with this blob as well is one that every reader takes.
    bool has_room_for(const SealedBlob& blob) const;

    /// The pack; this one is empty again. Errors: failed.
    Result<FinishedPack> finish(const MasterKey& key);

  private:
    std::string bytes_;
    std::vector<PackedBlob> blobs_;
    size_t header_size_ = 0;  ///< of the blobs so far: counting them anew for each would be quadratic
};

}  // namespace belay::backup
