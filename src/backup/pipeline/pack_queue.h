#pragma once
// Finished packs on their way into the repository, while the next ones are made.

#include "backup/repository/pack_builder.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

namespace belay::backup {

/// Threads: any for save(); finish() once.
class PackQueue {
  public:
    /// `writers` save at the same time; one pack may wait besides.
    PackQueue(Repository& repository, size_t writers);
    ~PackQueue();
    PackQueue(const PackQueue&) = delete;
    PackQueue& operator=(const PackQueue&) = delete;

    /// Takes a pack; waits while too many wait. Errors: those of a pack before, which ended it all.
    Result<void> save(FinishedPack pack);

    /// Waits until all are saved, and writes what the index lacks. Errors: as save().
    Result<void> finish();

  private:
    void work();
    /// Writes an index of `packs`.
    Result<void> write_index(const std::vector<IndexedPack>& packs);

    Repository& repository_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<FinishedPack> waiting_;
    size_t under_way_ = 0;
    std::vector<IndexedPack> saved_;  ///< packs that no index knows yet
    size_t saved_blobs_ = 0;
    std::optional<Error> error_;
    bool ends_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace belay::backup
