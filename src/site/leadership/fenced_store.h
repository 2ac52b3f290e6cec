#pragma once
// The store of a site in the hands of a controller that leads: every commit demands, in its own transaction,
// that this controller still does. So one that was held up (a machine that slept, a link that was cut) and
// does not know yet that another leads can change nothing any more.

#include "store/store.h"

#include <mutex>
#include <optional>
#include <string>

namespace belay::site {

/// Threads: any. The store outlives it. Reads, watches and leases pass through; a commit fails with
/// `unavailable` where this controller does not lead.
class FencedStore final : public store::Store {
  public:
    /// `leader_key`: the key that is there while somebody leads.
    FencedStore(store::Store& store, std::string leader_key)
        : store_(store), leader_key_(std::move(leader_key))
    {
    }

    /// It leads from now on. `term`: the revision that created the leader's key.
    void lead(store::Revision term);
    void stand_by();

    Result<std::optional<store::Entry>> get(std::string_view key) override { return store_.get(key); }
    Result<std::vector<store::Entry>> list(std::string_view prefix, std::string_view after,
                                           size_t limit) override
    {
        return store_.list(prefix, after, limit);
    }
    Result<store::Revision> revision() override { return store_.revision(); }
    Result<store::Commit> commit(const store::Transaction& transaction) override;
    Result<std::unique_ptr<store::Watch>> watch(std::string_view prefix, store::Revision since) override
    {
        return store_.watch(prefix, since);
    }
    Result<store::LeaseId> grant(std::chrono::milliseconds time_to_live) override
    {
        return store_.grant(time_to_live);
    }
    Result<void> keep_alive(store::LeaseId lease) override { return store_.keep_alive(lease); }
    Result<void> revoke(store::LeaseId lease) override { return store_.revoke(lease); }
    Result<void> expire() override { return store_.expire(); }
    Result<std::optional<std::chrono::milliseconds>> next_expiry() override { return store_.next_expiry(); }

  private:
    std::optional<store::Revision> term() const;

    store::Store& store_;
    const std::string leader_key_;
    mutable std::mutex mutex_;
    std::optional<store::Revision> term_;
};

}  // namespace belay::site
