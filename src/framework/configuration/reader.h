#pragma once
// Reading and following the configuration: what agents, proxies and faces do. Nothing here writes.

#include "framework/configuration/register.h"

namespace belay::framework::configuration {

/// Delivers the changes after a version: in order, each once. Used by one thread at a time, but for
/// interrupt(). Is destroyed before its store.
class Follower {
  public:
    /// The changes since the last call; waits up to `patience` for the first one, and comes back empty after
    /// it. Errors: not_found, where changes that were not delivered yet are forgotten: read anew, by
    /// snapshot(); those of the store.
    Result<std::vector<HistoryEntry>> next(std::chrono::milliseconds patience);
    /// As of store::Watch.
    void interrupt() { watch_->interrupt(); }
    /// Up to which it has delivered.
    Version version() const { return version_; }

  private:
    friend class ConfigurationReader;
    Follower(store::Store& store, Version version) : store_(store), version_(version) {}
    Result<void> watch();
    Result<std::vector<HistoryEntry>> catch_up();
    Error too_old() const;

    store::Store& store_;
    Version version_;
    std::unique_ptr<store::Watch> watch_;
    bool behind_ = true;  ///< the store may have more than the watch will tell
};

/// Threads: any.
class ConfigurationReader {
  public:
    /// The store must outlive it.
    explicit ConfigurationReader(store::Store& store) : store_(store) {}

    Result<Snapshot> snapshot();
    /// From snapshot().version, or the version() of an earlier follower. Errors: not_found, where not every
    /// change after it is remembered, or the store has not come so far (it was restored from a copy): read
    /// anew; those of the store.
    Result<std::unique_ptr<Follower>> follow(Version from);

  private:
    store::Store& store_;
};

}  // namespace belay::framework::configuration
