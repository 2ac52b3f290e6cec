#pragma once
// A device that has bad places.

#include "backup/block/block_source.h"
#include "backup/block/extents.h"

#include <atomic>
#include <functional>

namespace belay::backup {

/// A stretch that cannot be read. Threads: all that read, at the same time.
using ReadProblem = std::function<void(const Extent& extent, const Error& error)>;

/// Fills `buffer` with an extent, at once if that can be done, else by blocks. What cannot be read is zeros,
/// and told in as few stretches as it is. Ends early when `stopped` becomes true. Threads: any.
void read_carefully(const BlockSource& source, const Extent& extent, char* buffer, const ReadProblem& problem,
                    const std::atomic<bool>& stopped);

}  // namespace belay::backup
