#pragma once
// What can be had back of a damaged repository: first the index, then packs, then snapshots.
// Source: restic's manual, "Troubleshooting".

#include "backup/maintenance/snapshot_change.h"

namespace belay::backup {

/// What is seen of a repair. Threads: all of the run, at the same time.
class RepairObserver {
  public:
    virtual ~RepairObserver() = default;
    /// Something is damaged, and what becomes of it.
    virtual void found(const std::string& what) = 0;
    virtual void begins(uint64_t total) = 0;
    virtual void advanced() = 0;
};

struct IndexRepairOptions {
    bool read_all_packs = false;  ///< else those that no index knows, or that have another size than it says
    size_t threads = 0;           ///< 0: as many as there are processors
};

struct IndexRepairSummary {
    uint64_t packs = 0;       ///< that are there
    uint64_t packs_read = 0;  ///< of these, by their headers
    uint64_t packs_lost = 0;  ///< that indexes spoke of, and that are not there or cannot be read
    uint64_t damaged_indexes = 0;
    uint64_t files_written = 0, files_removed = 0;
};

/// Makes the index say what is there: packs that are missing leave it, packs that it lacks come into it by
/// their headers, and damaged index files go. A pack with a damaged header stays as the old index has it, so
/// that repair_packs() can save what is left of it. New files are written before old ones go. The index of
/// `repository` is loaded anew after it. Needs an exclusive lock. Errors: lost; those of the place.
Result<void> repair_index(Repository& repository, const RepositoryLock& lock,
                          const IndexRepairOptions& options, RepairObserver& observer,
                          IndexRepairSummary& summary);

struct PackRepairSummary {
    uint64_t packs = 0;
    uint64_t blobs_saved = 0, blobs_lost = 0;  ///< lost: damaged, and in no other pack
};

/// Writes the blobs of `packs` that are sound into new packs, takes the packs out of the index, and removes
/// them. What stands in them is what the index says, and their headers where that can be read. Then
/// repair_snapshots() may be needed. The index is loaded here. Needs an exclusive lock. Errors: not_found,
/// where no index knows a pack and there is none; corrupt, where the index is damaged; lost; those of the
/// place.
Result<void> repair_packs(Repository& repository, const RepositoryLock& lock, std::span<const Id> packs,
                          size_t pack_size, RepairObserver& observer, PackRepairSummary& summary);

struct SnapshotRepairOptions {
    bool forget =
        false;  ///< the damaged snapshots go; else they stay, and the new ones have the tag "repaired"
    bool dry_run = false;
};

struct SnapshotRepairSummary {
    uint64_t sound = 0, repaired = 0;
    uint64_t lost = 0;                ///< of which not even the tree of the root is left
    uint64_t files = 0, folders = 0;  ///< that lack a part, or all
};

/// Makes snapshots of `chosen` that speak only of what is there: files lose the parts that are lost, and
/// folders whose tree is lost are empty. `all` are the snapshots of the repository, whose index is loaded.
/// Whether a blob's bytes are sound is not looked at: repair_packs() does that. A shared lock is enough.
/// Errors: refused, where a tree cannot be written again; lost; those of the place.
Result<void> repair_snapshots(Repository& repository, const RepositoryLock& lock,
                              std::span<const Snapshot> chosen, std::span<const Snapshot> all,
                              const SnapshotRepairOptions& options, RepairObserver& observer,
                              SnapshotRepairSummary& summary);

}  // namespace belay::backup
