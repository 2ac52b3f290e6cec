#pragma once
// Which blocks of a device hold something: by the bitmaps and trees of its filesystem, as the filesystem's
// own tools and libraries read them. Where these cannot be trusted every block is taken for used, and why is
// said.

#include "backup/block/extents.h"
#include "host/host.h"

namespace belay::backup {

struct UsedBlocks {
    std::string content;             ///< as libblkid names it: "ext4", "xfs", "ntfs", "swap"; empty: unknown
    Extents extents;                 ///< what must be saved
    std::string why_whole;           ///< why that is all of the device, as a sentence; empty: it is not
    bool is_what_is_mapped = false;  ///< all of a thin volume but what its pool has no blocks for
    bool needs_recovery = false;     ///< a journal must be replayed before its bitmaps say what is used
    bool is_whole() const { return !why_whole.empty(); }
};

/// Looks at a device or an image file of `size` bytes, which nobody writes to. ext2, ext3 and ext4 by
/// libext2fs, NTFS by libntfs-3g, XFS by xfs_db and xfs_logprint, of a swap area the
/// page of its header. What lies behind
/// the filesystem's end counts as used. Whole is: another content, several at once, a partition table; a
/// filesystem with a journal to replay, with errors, not unmounted, or whose bitmaps disagree with their
/// checksums or counters. Errors: those of the system, where it cannot be read at all. Threads: one at a
/// time.
Result<UsedBlocks> used_blocks(host::Host& host, const std::string& path, uint64_t size);

/// What libblkid finds on a device or an image file, if it is one thing alone; empty: unknown, or several.
/// Errors: those of the system, where it cannot be read at all.
Result<std::string> content_name(const std::string& path);

/// All of a device.
UsedBlocks all_blocks(uint64_t size, std::string why);

}  // namespace belay::backup
