#pragma once
// What no snapshot needs away, with others kept waiting for as short as can be (docs/decisions/0018).

#include "backup/maintenance/prune_plan.h"
#include "backup/repository/repository_lock.h"

#include <atomic>

namespace belay::backup {

enum class PrunePhase : uint8_t {
    index,          ///< of index files that are read
    trees,          ///< of trees that are read; how many there are is not known
    repack,         ///< of packs whose blobs are written anew
    rewrite_index,  ///< of index files that are written anew: 1
    wait,           ///< for others to end
    remove_index,   ///< of index files: nobody else works meanwhile
    remove_packs,   ///< of packs: others may work again
};

/// What is seen while it runs. Threads: all of the run, at the same time.
class PruneObserver {
  public:
    virtual ~PruneObserver() = default;
    /// A phase begins that has so much to do; 0: not known. After others were in the way it begins anew.
    virtual void begins(PrunePhase phase, uint64_t total) = 0;
    virtual void advanced(PrunePhase phase, uint64_t by) = 0;
    /// Who is waited for, as often as is looked.
    virtual void waits_for(const Error& busy) = 0;
    /// What is going to be done, before anything is.
    virtual void planned(const PruneFigures& figures) = 0;
};

struct PruneOptions {
    PruneLimits limits = {};
    bool dry_run = false;
    /// Snapshots that count as forgotten already: for a dry run of forget and prune together.
    std::vector<Id> without = {};
    std::chrono::seconds patience{600};          ///< how long others are waited for
    std::chrono::milliseconds look_again{1000};  ///< how often, meanwhile
    RepositoryLock::Settle settle = {};          ///< see RepositoryLock::take()
    size_t threads = 0;                          ///< 0: as many as there are processors
};

struct PruneSummary {
    PruneFigures figures;
    uint64_t packs_removed = 0, index_files_removed = 0;
    uint64_t packs_rescued = 0;          ///< that a snapshot needs which came meanwhile
    std::chrono::milliseconds alone{0};  ///< for how long nobody else could work
};

/// Prunes; takes the locks that it needs by itself. The index is loaded here, and empty afterwards. At
/// whatever write it ends, nothing that a snapshot needs is lost, and the next prune goes on. Errors: busy,
/// where others would not end, or have changed the repository again and again; corrupt, where the index, a
/// snapshot or a tree is damaged or a pack missing: then nothing was removed; lost, where the lock has grown
/// old; usage; those of the place.
Result<void> prune_repository(Repository& repository, const PruneOptions& options, PruneObserver& observer,
                              PruneSummary& summary);

}  // namespace belay::backup
