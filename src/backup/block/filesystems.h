#pragma once
// The used blocks of each filesystem that Belay can read. Each says refused, where its blocks cannot be told
// (it was not unmounted, has errors, is of a kind that is not known), and corrupt, where what it says is not
// true of itself; never less than what is used.

#include "backup/block/extents.h"
#include "host/host.h"

#include <optional>

namespace belay::backup {

/// Nothing: where a journal must be replayed first.
using Used = std::optional<Extents>;

/// ext2, ext3, ext4, by the block bitmaps. Every descriptor must have its checksum where there are checksums,
/// every group as many free blocks in its bitmap as in its descriptor.
Result<Used> used_by_ext(const std::string& path, uint64_t size);

/// NTFS, by $Bitmap, and every run of every file must be in it.
Result<Used> used_by_ntfs(const std::string& path, uint64_t size);

/// XFS, by the free space trees. Every allocation group must have as many free blocks there as in its header.
Result<Used> used_by_xfs(host::Host& host, const std::string& path, uint64_t size);

}  // namespace belay::backup
