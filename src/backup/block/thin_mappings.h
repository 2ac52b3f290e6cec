#pragma once
// Which blocks of a thin volume are there, and where in the pool they lie, as thin_dump(8) writes it.

#include "backup/block/extents.h"
#include "base/result.h"

#include <cstdint>
#include <vector>

namespace belay::backup {

/// In blocks of the pool. Blocks that follow each other in the volume, and do so in the pool.
struct ThinRange {
    uint64_t begin = 0;   ///< in the volume
    uint64_t data = 0;    ///< in the pool
    uint64_t length = 0;  ///< not 0

    uint64_t end() const { return begin + length; }
    bool operator==(const ThinRange&) const = default;
};

/// Of one volume. What no range has reads as zeros.
struct ThinMappings {
    uint64_t block_size = 0;  ///< in bytes
    uint64_t created = 0;     ///< by the pool's count of snapshots
    uint64_t youngest = 0;    ///< when the last of its blocks was written for the first time, by this count
    uint64_t blocks = 0;      ///< of all ranges
    std::vector<ThinRange> ranges;  ///< ascending, apart from each other

    /// Whether nobody has written to it since it was made, as a snapshot: the kernel writes no block in place
    /// that was there when the snapshot was made.
    bool is_as_created() const { return youngest < created; }
};

/// Reads the XML that `thin_dump --dev-id` writes, from an open file's beginning. Errors: corrupt, where it
/// is not of volume `device`, or does not agree with itself; refused, where there are more ranges than
/// anybody should hold in memory.
Result<ThinMappings> read_thin_mappings(int file, uint64_t device);

/// What of a volume of `size` bytes does not read as zeros by its mappings alone.
Extents mapped(const ThinMappings& volume, uint64_t size);

/// Where two volumes of one pool, of `size` bytes each, do not share their blocks: what may differ.
/// Everywhere else they are the same. Both have one block size.
Extents unshared(const ThinMappings& one, const ThinMappings& other, uint64_t size);

}  // namespace belay::backup
