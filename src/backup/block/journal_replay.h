#pragma once
// A journal replayed on a snapshot, as the next mount of its origin would do it after a power cut.

#include "host/host.h"

namespace belay::backup {

/// Writes what waits in the journal of the filesystem on `path`, a snapshot that is ours alone: ext3 and ext4
/// by e2fsck, XFS by a mount, which is where the kernel does it. `content` as libblkid names it. Errors:
/// refused, for another content; those of the tools.
Result<void> replay_journal(host::Host& host, const std::string& path, const std::string& content);

}  // namespace belay::backup
