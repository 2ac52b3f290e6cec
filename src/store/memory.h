#pragma once
// The store in memory: for simulation and for tests. It keeps the contract to the letter, and fails on
// demand.
//
//     MemoryStore store({.boot = "1", .now = [&] { return world.now(); }});
//     store.set_fault_hook([&](const Transaction&) { return MemoryStore::Fault::lost_after; });
//     ...every call fails with `dead`...
//     store.revive();

#include "store/leases.h"
#include "store/watchers.h"

#include <deque>

namespace belay::store {

class MemoryStore : public Store {
  public:
    /// What becomes of a write.
    enum class Fault {
        none,
        refuse,       ///< no_space: not written, and the store goes on
        lost_before,  ///< not written, and dead: this call and every later one fail with `dead`
        lost_after,   ///< written for good, and dead
    };
    /// Asked before every call that writes, with what it is about to write; a grant() writes no key. Must not
    /// call the store.
    using FaultHook = std::function<Fault(const Transaction&)>;

    /// What the disk would hold. Copying it is the way to take a snapshot.
    struct Data {
        struct Value {
            std::string bytes;
            Revision created = 0;
            Revision modified = 0;
            LeaseId lease = 0;
        };
        std::map<std::string, Value, std::less<>> entries;
        std::deque<std::pair<Revision, std::string>>
            tombstones;  ///< deletes, oldest first; of the last 1,000 revisions
        Revision revision = 0;
        Leases leases;
        LeaseId last_lease = 0;
    };

    explicit MemoryStore(BootClock clock);
    MemoryStore(BootClock clock, Data data);  ///< opens a snapshot

    Data snapshot() const;
    void set_fault_hook(FaultHook hook);  ///< an empty one: no faults
    bool dead() const;

    /// A new process opens what the old one left. Watches of the old one stay dead. A `boot` other than
    /// before ends all leases, as a restart of the machine does. Makes a dead store answer again.
    void revive(const std::string& boot);
    void revive();  ///< within the same boot

    Result<std::optional<Entry>> get(std::string_view key) override;
    Result<std::vector<Entry>> list(std::string_view prefix, std::string_view after, size_t limit) override;
    Result<Revision> revision() override;
    Result<Commit> commit(const Transaction& transaction) override;
    Result<std::unique_ptr<Watch>> watch(std::string_view prefix, Revision since) override;
    Result<LeaseId> grant(std::chrono::milliseconds time_to_live) override;
    Result<void> keep_alive(LeaseId lease) override;
    Result<void> revoke(LeaseId lease) override;
    Result<void> expire() override;
    Result<std::optional<std::chrono::milliseconds>> next_expiry() override;

  private:
    Result<void> check_answers() const;
    /// Runs `write` as the fault hook wants it, and says what the caller sees.
    template <typename Write>
    auto write_with_faults(const Transaction& transaction, Write write) -> decltype(write());
    std::unexpected<Error> die();
    std::optional<Entry> find(std::string_view key) const;
    Result<Commit> apply(const Transaction& transaction);
    Result<void> end_leases(const std::vector<LeaseId>& ids);
    void end_leases(const std::vector<LeaseId>& ids, const Transaction& deletes);
    Transaction deletes_under(const std::vector<LeaseId>& ids) const;
    bool put(const Write& write, Revision next);
    bool remove(std::string_view key, Revision next);
    void forget_old_tombstones();

    mutable std::mutex mutex_;
    BootClock clock_;
    Data data_;
    FaultHook fault_hook_;
    bool dead_ = false;
    Watchers watchers_;
};

}  // namespace belay::store
