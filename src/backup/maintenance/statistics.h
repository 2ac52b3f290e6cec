#pragma once
// How much it is: what a restore writes, or what the repository holds.
// Source: restic's manual, "Getting information about repository data".

#include "backup/repository/repository.h"

namespace belay::backup {

enum class CountMode : uint8_t {
    restore_size,       ///< what a restore of each snapshot writes; names of the same file count once
    files_by_contents,  ///< each content once
    blobs_per_file,     ///< of each content its different blobs, counted once for each path
    raw_data            ///< the blobs as they lie in packs, each once
};
/// Errors: usage.
Result<CountMode> count_mode_from_text(std::string_view text);

struct Statistics {
    uint64_t snapshots = 0;
    /// Of restore_size: entries of folders; of files_by_contents: contents, of which one stands for all that
    /// is empty, folders too; of blobs_per_file: paths of files that are not empty, each content at one of
    /// its paths.
    uint64_t files = 0;
    uint64_t blobs = 0;  ///< of blobs_per_file and raw_data
    uint64_t bytes = 0;
    uint64_t content_bytes = 0;  ///< of raw_data: before compression
    uint64_t compressed = 0;     ///< of `content_bytes`, those of blobs that are compressed

    /// How many bytes of content a stored one stands for; 1 where there is nothing.
    double compression_ratio() const;
};

/// Counts. The index is loaded. Errors: corrupt, where a tree cannot be read or a blob is in no index; those
/// of the place.
Result<Statistics> count_snapshots(const Repository& repository, std::span<const Snapshot> snapshots,
                                   CountMode mode, size_t threads);

}  // namespace belay::backup
