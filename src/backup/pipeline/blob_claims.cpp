#include "backup/pipeline/blob_claims.h"

#include "base/invariant.h"

namespace belay::backup {

/// Ids in blocks, so that growing copies none and leaves no half empty; and slots with their numbers.
class BlobClaims::Shard {
  public:
    bool claim(BlobType type, const Id& id)
    {
        const std::lock_guard lock(mutex_);
        if (is_full()) grow();
        const uint32_t tree_bit = type == BlobType::tree ? 1 : 0;
        size_t slot = home_of(id);
        for (; slots_[slot] != empty; slot = next(slot))
            if ((slots_[slot] & 1U) == tree_bit && this->id(slots_[slot]) == id) return false;
        INVARIANT(count_ < empty / 2);
        if (count_ % block_ids == 0) blocks_.push_back(std::make_unique_for_overwrite<Id[]>(block_ids));
        blocks_.back()[count_ % block_ids] = id;
        slots_[slot] = static_cast<uint32_t>(count_ << 1U) | tree_bit;
        ++count_;
        return true;
    }
    size_t size() const
    {
        const std::lock_guard lock(mutex_);
        return count_;
    }
    size_t memory() const
    {
        const std::lock_guard lock(mutex_);
        return sizeof(Shard) + blocks_.capacity() * sizeof blocks_[0] +
               blocks_.size() * block_ids * sizeof(Id) + slots_.capacity() * sizeof(uint32_t);
    }

  private:
    static constexpr size_t block_ids = 256;
    static constexpr uint32_t empty = UINT32_MAX;

    const Id& id(uint32_t slot_value) const
    {
        const uint32_t number = slot_value >> 1U;
        return blocks_[number / block_ids][number % block_ids];
    }
    size_t home_of(const Id& id) const { return IdHash()(id) & (slots_.size() - 1); }
    size_t next(size_t slot) const { return (slot + 1) & (slots_.size() - 1); }
    /// Of the slots four fifths may be taken, as in BlobTable.
    bool is_full() const { return (count_ + 1) * 5 > slots_.size() * 4; }
    void grow()
    {
        std::vector<uint32_t> old(slots_.size() * 2, empty);
        old.swap(slots_);
        for (const uint32_t value : old) {
            if (value == empty) continue;
            size_t slot = home_of(id(value));
            while (slots_[slot] != empty) slot = next(slot);
            slots_[slot] = value;
        }
    }

    mutable std::mutex mutex_;
    std::vector<std::unique_ptr<Id[]>> blocks_;
    /// Numbers of ids, times two, and one for a tree; a power of two of them.
    std::vector<uint32_t> slots_ = std::vector<uint32_t>(256, empty);
    size_t count_ = 0;
};

BlobClaims::BlobClaims() : shards_(std::make_unique<Shard[]>(shards)) {}
BlobClaims::~BlobClaims() = default;

bool BlobClaims::claim(BlobType type, const Id& id)
{
    return shards_[id.bytes.back() % shards].claim(type, id);
}

size_t BlobClaims::size() const
{
    size_t all = 0;
    for (size_t i = 0; i < shards; ++i) all += shards_[i].size();
    return all;
}

size_t BlobClaims::memory() const
{
    size_t all = sizeof *this;
    for (size_t i = 0; i < shards; ++i) all += shards_[i].memory();
    return all;
}

}  // namespace belay::backup
