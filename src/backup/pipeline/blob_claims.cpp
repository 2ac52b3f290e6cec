#include "backup/pipeline/blob_claims.h"

#include "backup/repository/number_slots.h"

namespace belay::backup {

/// Ids in blocks, so that growing copies none and leaves no half empty.
class BlobClaims::Shard {
  public:
    bool claim(BlobType type, const Id& id)
    {
        const std::lock_guard lock(mutex_);
        return ids_[static_cast<size_t>(type)].add(id);
    }
    size_t size() const
    {
        const std::lock_guard lock(mutex_);
        return ids_[0].count + ids_[1].count;
    }
    size_t memory() const
    {
        const std::lock_guard lock(mutex_);
        return sizeof(Shard) + ids_[0].memory() + ids_[1].memory();
    }

  private:
    static constexpr size_t block_ids = 128;

    struct Ids {
        std::vector<std::unique_ptr<Id[]>> blocks;
        NumberSlots slots{128};
        size_t count = 0;

        const Id& at(size_t number) const { return blocks[number / block_ids][number % block_ids]; }
        /// False where it is there.
        bool add(const Id& id)
        {
            const size_t hash = IdHash()(id);
            bool is_there = false;
            slots.visit(hash, [&](uint32_t number) {
                is_there = at(number) == id;
                return !is_there;
            });
            if (is_there) return false;
            if (slots.is_full(count + 1)) {
                slots.reset(slots.size() * 2);
                for (uint32_t i = 0; i < count; ++i) slots.put(IdHash()(at(i)), i);
            }
            if (count % block_ids == 0) blocks.push_back(std::make_unique_for_overwrite<Id[]>(block_ids));
            blocks.back()[count % block_ids] = id;
            slots.put(hash, static_cast<uint32_t>(count));
            ++count;
            return true;
        }
        size_t memory() const
        {
            return blocks.capacity() * sizeof blocks[0] + blocks.size() * block_ids * sizeof(Id) +
                   slots.memory();
        }
    };

    mutable std::mutex mutex_;
    std::array<Ids, 2> ids_;  ///< by type
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
