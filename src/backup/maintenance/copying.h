#pragma once
// Snapshots into another repository, with all that they need.
// Source: restic's manual, "Copying snapshots between repositories".

#include "backup/pipeline/blob_writer.h"
#include "backup/repository/snapshot.h"

namespace belay::backup {

class CopyingObserver {
  public:
    virtual ~CopyingObserver() = default;
    /// A snapshot is there already, as `other`.
    virtual void skipped(const Snapshot& snapshot, const Id& other) = 0;
    virtual void copied(const Snapshot& snapshot, const Id& copy) = 0;
    /// Packs of the source are read; threads: all of the run.
    virtual void begins(uint64_t packs) = 0;
    virtual void pack_read() = 0;
};

struct CopyingOptions {
    BlobWriter::Options writer = {};
    size_t threads = 0;  ///< 0: as many as there are processors
};

/// Whether files saved into both are cut alike: if not, what is copied and what is saved there share no
/// blobs.
bool share_chunks(const Repository& a, const Repository& b);

/// Copies `snapshots` of `from`, but those that `to` has already: of the same original, and the same in all
/// but parent and original. Blobs that are there are not copied. Both have their index loaded, and a shared
/// lock. Each snapshot comes when its blobs are there for good, and in an index; those that need less than a
/// pack come with the next. Errors: corrupt, where something is lost in the source: then nothing was copied,
/// or the snapshots told are there; those of both places: as well.
Result<void> copy_snapshots(const Repository& from, Repository& to, std::span<const Snapshot> snapshots,
                            const CopyingOptions& options, CopyingObserver& observer);

}  // namespace belay::backup
