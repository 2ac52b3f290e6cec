#pragma once
// What a prune does with each pack. Source: restic's manual, "Customize pruning".

#include "backup/repository/id.h"

#include <optional>
#include <vector>

namespace belay::backup {

/// How much of what is stored may be unused after a prune.
struct MaxUnused {
    enum class Kind : uint8_t { percent, bytes, unlimited } kind = Kind::percent;
    double percent = 5;  ///< of the size after the prune
    uint64_t bytes = 0;

    /// "5%", "300M" as parse_bytes() reads it, "unlimited". Errors: usage.
    static Result<MaxUnused> from_text(std::string_view text);
    /// Bytes that may be unused beside so many used ones.
    uint64_t beside(uint64_t used_bytes) const;
};

struct PruneLimits {
    MaxUnused max_unused = {};
    std::optional<uint64_t> max_repack_size = {};  ///< bytes that are written anew at most
    bool repack_cacheable_only = false;            ///< packs of data stay as they are
    bool repack_small =
        false;  ///< packs below 80 % of `pack_size` are put together, not just those below 4 %
    bool repack_uncompressed = false;  ///< what is not compressed is compressed; format 2
    uint64_t pack_size = 16 << 20;
};

/// What is used of a pack. A blob that lies in several packs is used in one of them.
struct PackUse {
    Id id;
    uint64_t size = 0;                                               ///< bytes of the file
    uint32_t used_blobs = 0, unused_blobs = 0, duplicate_blobs = 0;  ///< duplicates are not among the unused
    uint64_t used_bytes = 0, unused_bytes = 0, duplicate_bytes = 0;
    bool has_data = false, has_trees = false;
    bool is_there = true;          ///< else an index speaks of it alone
    bool is_sound = true;          ///< there, and as large as the index has it
    bool has_plain_trees = false;  ///< used trees that are not compressed
    bool has_plain_data = false;   ///< used data that is not compressed

    uint64_t wasted_bytes() const { return unused_bytes + duplicate_bytes; }
};

enum class PackFate : uint8_t { keep, repack, remove };

struct PruneFigures {
    struct Amount {
        uint64_t blobs = 0, bytes = 0;
    };
    Amount used, duplicate, unused;  ///< before; of what indexes know
    Amount repack;                   ///< all that lies in packs that are repacked
    Amount repack_removes;           ///< of these, what is not written anew
    Amount remove;                   ///< in packs that are removed whole
    uint64_t packs_used = 0, packs_partly_used = 0, packs_unused = 0;
    uint64_t packs_keep = 0, packs_repack = 0, packs_remove = 0, packs_unindexed = 0;
    uint64_t unindexed_bytes = 0;

    uint64_t freed_bytes() const { return unindexed_bytes + remove.bytes + repack_removes.bytes; }
    uint64_t unused_bytes_after() const
    {
        return unused.bytes + duplicate.bytes - remove.bytes - repack_removes.bytes;
    }
};

struct PrunePlan {
    std::vector<PackFate> fates;  ///< by the packs that were given
    PruneFigures figures;
};

/// Decides. Packs that nothing needs go; of the others those are repacked whose rest wastes the most, trees
/// before data, until no more is unused than may be. `format` is the version of the repository. Threads: any.
PrunePlan plan_prune(const std::vector<PackUse>& packs, const PruneLimits& limits, unsigned format);

}  // namespace belay::backup
