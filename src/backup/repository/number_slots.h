#pragma once
// The slots of a hash table whose entries lie elsewhere and have numbers.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace belay::backup {

/// Open addressing, four bytes a slot: the bits that a number does not need hold some of the hash, so that
/// hardly an entry is looked at in vain; each look would be a miss of the cache. Threads: readers any number;
/// a writer alone.
class NumberSlots {
  public:
    /// `slots` is a power of two.
    explicit NumberSlots(size_t slots) : slots_(slots, empty) {}

    /// Four fifths may be taken. Numbers are below that.
    bool is_full(size_t entries) const { return entries * 5 > slots_.size() * 4; }
    size_t size() const { return slots_.size(); }
    /// Makes all of so many slots empty.
    void reset(size_t slots)
    {
        // The old ones go first: both at once would be the peak of memory.
        std::vector<uint32_t>().swap(slots_);
        slots_.assign(slots, empty);
    }

    void put(size_t hash, uint32_t number)
    {
        size_t slot = hash & mask();
        while (slots_[slot] != empty) slot = (slot + 1) & mask();
        slots_[slot] = tag_of(hash) | number;
    }
    /// Calls with the numbers that may be of this hash, in the order of put(), until one returns false.
    template <typename Each>
    void visit(size_t hash, Each each) const
    {
        const uint32_t tag = tag_of(hash), mask = this->mask();
        for (size_t slot = hash & mask; slots_[slot] != empty; slot = (slot + 1) & mask)
            if ((slots_[slot] & ~mask) == tag && !each(slots_[slot] & mask)) return;
    }

    /// Bytes of memory that it holds.
    size_t memory() const { return slots_.capacity() * sizeof(uint32_t); }

  private:
    /// No number has all its bits set, for it is below four fifths of the slots.
    static constexpr uint32_t empty = UINT32_MAX;

    uint32_t mask() const { return static_cast<uint32_t>(slots_.size() - 1); }
    /// From the other end of the hash than its slot.
    uint32_t tag_of(size_t hash) const { return static_cast<uint32_t>(hash >> 32) & ~mask(); }

    std::vector<uint32_t> slots_;
};

}  // namespace belay::backup
