#pragma once
// Full packs on their way into the repository, while the next ones are filled.

#include "backup/repository/pack_builder.h"

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

namespace belay::backup {

/// Threads: any for save(); finish() once.
class PackQueue {
  public:
    /// `writers` save at the same time; each asks before whether it may write.
    PackQueue(Repository& repository, size_t writers, std::function<Result<void>()> may_write);
    ~PackQueue();
    PackQueue(const PackQueue&) = delete;
    PackQueue& operator=(const PackQueue&) = delete;

    /// Takes a pack that is full; waits while all writers have one, so that no more are in memory. Errors:
    /// those of a pack before, which ended it all.
    Result<void> save(PackBuilder pack);

    /// Waits until all are saved, and writes what the index lacks. Errors: as save().
    Result<void> finish();

  private:
    void work();
    /// Gives a pack its header and name, and saves it: what the index is to say of it.
    Result<IndexedPack> finish_and_save(PackBuilder pack);
    /// Writes an index of `packs`.
    Result<void> write_index(const std::vector<IndexedPack>& packs);

    Repository& repository_;
    std::function<Result<void>()> may_write_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<PackBuilder> waiting_;
    size_t writers_;
    size_t under_way_ = 0;
    std::vector<IndexedPack> saved_;  ///< packs that no index knows yet
    size_t saved_blobs_ = 0;
    std::optional<Error> error_;
    bool ends_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace belay::backup
