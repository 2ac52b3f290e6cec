#pragma once
// Which blobs the snapshots need: a bit for each entry of the index.

#include "backup/maintenance/tree_walk.h"

#include <atomic>

namespace belay::backup {

/// Threads: any for mark() and is_used(); grow() alone.
class UsedBlobs {
  public:
    /// `blobs` outlives this. `first_marked` is given the number of each blob that is marked; threads: those
    /// of mark().
    explicit UsedBlobs(const BlobTable& blobs, std::function<void(uint32_t number)> first_marked = {})
        : blobs_(blobs), first_marked_(std::move(first_marked))
    {
        grow();
    }

    /// Makes room for entries that the table has got meanwhile.
    void grow();

    /// Marks a blob; whether it was not marked before. Nothing, where no index knows it.
    std::optional<bool> mark(BlobType type, const Id& id);
    bool is_used(BlobType type, const Id& id) const;
    /// How many blobs are marked, each once.
    uint64_t count() const { return count_; }

    /// Marks all that hangs on these trees; `progress` is told of each tree. Errors: corrupt, where a blob is
    /// in no index or a tree cannot be read; those of the place.
    Result<void> add_trees(const Repository& repository, std::span<const Id> roots, size_t threads,
                           const std::function<void()>& progress);

  private:
    /// A blob's bit is that of its first entry.
    bool test(uint32_t number) const { return (bits_[number / 64] >> (number % 64) & 1) != 0; }

    const BlobTable& blobs_;
    std::function<void(uint32_t number)> first_marked_;
    std::unique_ptr<std::atomic<uint64_t>[]> bits_;
    size_t words_ = 0;
    std::atomic<uint64_t> count_ = 0;
};

}  // namespace belay::backup
