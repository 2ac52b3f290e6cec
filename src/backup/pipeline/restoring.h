#pragma once
// A snapshot, or a part of it, back into files: each pack is read once, in order, and what a file has already
// is not written again.

#include "backup/repository/node.h"
#include "backup/repository/repository.h"

#include <atomic>

namespace belay::backup {

/// Threads: all of the run, at the same time.
class RestoringObserver {
  public:
    virtual ~RestoringObserver() = default;
    /// Something could not be restored, or not all of it; the rest goes on.
    virtual void problem(const std::string& path, const Error& error) = 0;
};

struct RestoringOptions {
    std::string target;  ///< the folder that becomes the root; made where it is not there
    /// Whether an entry is wanted, by its path in the snapshot ("/home/a") and whether it is a folder; a
    /// folder that is not wanted is still looked into.
    std::function<bool(const std::string& path, bool is_folder)> is_wanted = {};
    bool sparse = false;  ///< long runs of zeros become holes in files that are new
    bool dry_run = false;
    /// Asked when it is known what there is to do, before anything is written or told to be missing; its
    /// error ends it all.
    std::function<Result<void>()> may_write = {};
    size_t threads = 0;  ///< 0: as many as there are processors
    /// Bytes from which on large pieces are written past the page cache; nothing: what it takes at once.
    std::optional<uint64_t> page_cache = {};
};

struct RestoringSummary {
    std::atomic<uint64_t> files_total = 0;  ///< that are wanted; further names of a file are among the others
    std::atomic<uint64_t> files = 0, folders = 0, others = 0;
    std::atomic<uint64_t> bytes = 0;        ///< of the files that are wanted
    std::atomic<uint64_t> bytes_done = 0;   ///< written, or found to be there
    std::atomic<uint64_t> bytes_there = 0;  ///< found to be there from before
    std::atomic<uint64_t> problems = 0;
};

/// Restores what stands below `tree`. Errors: those that end it all: the target cannot be made, the tree
/// cannot be read. A blob that is damaged costs the files that it is in, which are told; no file is left that
/// looks whole and is not: it is told, and its times are not set.
Result<void> restore_tree(const Repository& repository, const Id& tree, const RestoringOptions& options,
                          RestoringObserver& observer, RestoringSummary& summary);

}  // namespace belay::backup
