#pragma once
// Where every blob of a repository lies: its index in memory, at most 64 bytes a blob.

#include "backup/repository/number_slots.h"
#include "backup/repository/pack.h"

#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace belay::backup {

/// A blob and the pack that it lies in.
struct StoredBlob {
    Id pack;
    PackedBlob blob;
};

/// An entry has 48 bytes, its place in the hash table between 5 and 10; the ids of packs are kept once each,
/// with 37 to 43 bytes.
/// A blob may lie in several packs. Threads: readers any number; a writer alone.
class BlobTable {
  public:
    BlobTable();

    /// More places of one blob are nobody's: two backups at the same time make two.
    static constexpr size_t most_places = 1000;

    /// A blob that stands in `pack` already, at this place, is not added again. False where it has so many
    /// places that this one is not taken.
    bool add(const Id& pack, const PackedBlob& blob);

    bool contains(BlobType type, const Id& id) const;
    /// Where it lies; of several places the one that was added first.
    std::optional<StoredBlob> find(BlobType type, const Id& id) const;
    /// All places where it lies.
    std::vector<StoredBlob> find_all(BlobType type, const Id& id) const;
    /// Bytes of the content of a blob; nothing where it is unknown.
    std::optional<uint64_t> content_size(BlobType type, const Id& id) const;

    /// Entries have numbers, in the order in which they were added: of a blob that of its first entry, or
    /// those of all, ascending.
    std::optional<uint32_t> number_of(BlobType type, const Id& id) const;
    std::vector<uint32_t> numbers_of(BlobType type, const Id& id) const;
    StoredBlob at(uint32_t number) const { return stored(entry(number)); }
    /// Packs have numbers as well, below packs().
    uint32_t pack_number_at(uint32_t number) const { return entry(number).pack; }
    const Id& pack(uint32_t pack_number) const { return packs_[pack_number]; }

    /// How many entries there are; a blob that lies in two packs counts twice.
    size_t size() const { return size_; }
    size_t packs() const { return packs_.size(); }
    /// Every entry, in the order in which they were added.
    void for_each(const std::function<void(const StoredBlob&)>& each) const;

    /// Bytes of memory that it holds.
    size_t memory() const;

  private:
    struct Entry {
        Id id;
        uint32_t pack;
        uint32_t offset;
        uint32_t length : 31;  ///< a blob of 2 GiB would need a folder of millions of entries
        uint32_t is_tree : 1;
        uint32_t plain_size;
    };
    static_assert(sizeof(Entry) == 48);
    /// Entries lie in blocks, so that growing copies nothing and leaves no half empty.
    static constexpr size_t block_entries = 1 << 14;

    const Entry& entry(uint32_t number) const
    {
        return blocks_[number / block_entries][number % block_entries];
    }
    StoredBlob stored(const Entry& entry) const;
    uint32_t number_of_pack(const Id& pack);
    void grow_slots();
    /// Calls with the numbers and entries of a blob until one returns false.
    template <typename Each>
    void visit(BlobType type, const Id& id, Each each) const;

    std::vector<std::unique_ptr<Entry[]>> blocks_;
    size_t size_ = 0;
    NumberSlots slots_;  ///< of entries
    std::deque<Id> packs_;
    NumberSlots pack_slots_;
};

}  // namespace belay::backup
