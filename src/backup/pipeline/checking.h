#pragma once
// Whether everything that the snapshots of a repository speak of is there, and is what it says.

#include "backup/repository/repository.h"

#include <atomic>

namespace belay::backup {

/// What is wrong. Threads: all of the run, at the same time.
class CheckingObserver {
  public:
    virtual ~CheckingObserver() = default;
    /// Data is lost or damaged, or an index misleads.
    virtual void error(const std::string& what) = 0;
    /// Room is wasted, or something is odd; nothing is lost.
    virtual void hint(const std::string& what) = 0;
};

struct CheckingOptions {
    /// Of the packs, whether its content is read and held against its ids; nothing: none is.
    std::function<bool(const Id& pack)> reads_data = {};
    /// Called before packs are read, when all else was looked at and its memory is free again.
    std::function<void()> begins_to_read = {};
    size_t threads = 0;  ///< 0: as many as there are processors
};

struct CheckingSummary {
    std::atomic<uint64_t> snapshots = 0, trees = 0;
    std::atomic<uint64_t> packs = 0, packs_read = 0, bytes_read = 0;
    std::atomic<uint64_t> packs_to_read = 0, bytes_to_read = 0;  ///< 0 until the trees have been looked at
    std::atomic<uint64_t> errors = 0;
};

/// Checks the repository, whose index need not be loaded: it is loaded here. What is wrong is told, and the
/// rest is looked at nevertheless. Errors: those of the place.
Result<void> check_repository(Repository& repository, const CheckingOptions& options,
                              CheckingObserver& observer, CheckingSummary& summary);

}  // namespace belay::backup
