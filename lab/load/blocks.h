#pragma once
// A file of numbered blocks that prove what they are: each holds its slot, the number of the write that made
// it, bytes that follow from both, and the digest of it all. Which slot a write goes to follows from its
// number alone, so that after a power cut the one block that was being written is known.

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace belay::lab {

constexpr size_t block_size = 4096;

/// The slot of write `number` among `slots`; every slot comes once in each round, in an order that jumps
/// about.
uint64_t slot_of(uint64_t number, uint64_t slots);

/// The bytes of a block: always block_size.
std::string block_of(uint64_t number, uint64_t slot);

/// The number of the write that made this block. Errors: corrupt, where it is not a whole block of that slot.
Result<uint64_t> number_in(std::string_view block, uint64_t slot);

/// A file opened past the page cache, so that a read is a read of the disk. Writes are durable when they
/// return.
class BlockFile {
  public:
    /// Opens, or makes with every slot holding write 0. Errors: those of the system; usage if it has another
    /// size.
    static Result<BlockFile> open(const std::string& path, uint64_t slots);
    ~BlockFile();
    BlockFile(BlockFile&& other) noexcept;
    BlockFile& operator=(BlockFile&&) = delete;

    Result<void> write(uint64_t number);
    /// The number of the write that a slot holds. Errors: corrupt, io.
    Result<uint64_t> read(uint64_t slot) const;
    uint64_t slots() const { return slots_; }

  private:
    BlockFile(int file, uint64_t slots, void* buffer) : file_(file), slots_(slots), buffer_(buffer) {}

    int file_;
    uint64_t slots_;
    void* buffer_;  ///< aligned, for direct transfers
};

}  // namespace belay::lab
