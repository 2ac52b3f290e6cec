#pragma once
// The leases of one store and the keys under them, in memory: what both local stores share.
//
// Deadlines live here alone, so that keeping a lease alive costs no write to the disk. A store that is opened
// anew within the same boot gives every lease its full time again, as etcd does when its leader changes.

#include "store/store.h"

#include <functional>
#include <map>
#include <unordered_map>

namespace belay::store {

/// The clock that leases run on, and the boot that it belongs to.
struct BootClock {
    std::string boot;                                ///< differs from one boot to the next
    std::function<std::chrono::milliseconds()> now;  ///< since the boot, sleep included
};

/// CLOCK_BOOTTIME and the kernel's boot id.
BootClock this_boot();

/// Threads: one at a time.
class Leases {
  public:
    void grant(LeaseId id, std::chrono::milliseconds time_to_live, std::chrono::milliseconds now);
    /// Errors: not_found where the lease has run out or was ended.
    Result<void> keep_alive(LeaseId id, std::chrono::milliseconds now);
    Result<void> check_alive(LeaseId id, std::chrono::milliseconds now) const;
    void end(LeaseId id) { leases_.erase(id); }

    /// Notes that the key is under this lease from now on, or under none (0), be it put or deleted.
    void attach(std::string_view key, LeaseId id)
    {
        if (id != 0 || !keys_.empty()) reattach(key, id);
    }
    std::vector<std::string> keys_of(LeaseId id) const;  ///< sorted

    std::vector<LeaseId> all() const;
    std::vector<LeaseId> run_out(std::chrono::milliseconds now) const;
    bool known(LeaseId id) const { return leases_.contains(id); }
    /// From now, at least 0.
    std::optional<std::chrono::milliseconds> next_expiry(std::chrono::milliseconds now) const;
    /// Every lease has its full time again.
    void restart(std::chrono::milliseconds now);

  private:
    struct Lease {
        std::chrono::milliseconds time_to_live;
        std::chrono::milliseconds deadline;
    };
    void reattach(std::string_view key, LeaseId id);

    std::map<LeaseId, Lease> leases_;
    std::unordered_map<std::string, LeaseId> keys_;
};

}  // namespace belay::store
