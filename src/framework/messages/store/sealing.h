#pragma once
// A segment written whole: from one that is full, with all indexes, or from a sealed one, without the levels
// that have had their time.

#include "framework/messages/store/segment_file.h"

namespace belay::framework::messages {

using LevelSet = std::array<bool, levels>;

/// Reads the segment at `from` and writes what is of these levels to `to`, which is replaced when all of it
/// is on the disk; then `to` is in its folder for good as well. What became of it. Errors: corrupt where
/// `from` cannot be read; no_space, io: `to` is as it was. Threads: any.
Result<SegmentSummary> write_sealed(const std::string& from, SegmentState state, const std::string& to,
                                    const LevelSet& stay);

}  // namespace belay::framework::messages
