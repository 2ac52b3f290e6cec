#pragma once
// Markers: what makes a transaction happen exactly once.
//
// An answer that is lost on the way tells nothing: the transaction may have been done, or may be done later,
// by a node that was frozen with the request in its hands. So each transaction also compares the revision of
// a marker, a key of this store alone, and writes a word of its own into it. Sent a second time it finds out
// by itself what became of the first: if the marker bears its word it was done, at the marker's revision; if
// not, either it is done now or the marker is moved on, and what is still on its way can never apply.
//
// One marker serves one transaction at a time; there are as many as there were transactions at the same time.
// They are under a lease, so that those of a store that was not closed go away.

#include "store/etcd/client.h"
#include "store/etcd/layout.h"

#include <mutex>

namespace belay::store {

struct Marker {
    std::string key;
    LeaseId lease = 0;
    Revision revision = 0;  ///< that modified it last; 0: must be asked for
};

/// Threads: any.
class Markers {
  public:
    Markers(Client& client, const Layout& layout);
    ~Markers();  ///< ends the lease, if that is quickly done
    Markers(const Markers&) = delete;
    Markers& operator=(const Markers&) = delete;

    /// A marker for the caller alone, which is in etcd, and under a lease that lives on for minutes.
    Result<Marker> take(Deadline deadline);
    void give_back(Marker marker);
    /// Another one for a marker that is gone: its lease has ended, under a machine that slept.
    Result<Marker> replace(const Marker& marker, Deadline deadline);
    /// A word that no transaction of this store has used.
    std::string new_word();

  private:
    Result<LeaseId> live_lease(Deadline deadline);
    void forget_lease(LeaseId lease);
    /// Finds the marker's revision; makes it where it is not in etcd.
    Result<void> place(Marker& marker, Deadline deadline);

    Client& client_;
    const std::string prefix_;  // of this store's markers
    std::mutex lease_mutex_;    // held while the lease is renewed: who comes meanwhile needs it too
    LeaseId lease_ = 0;
    Deadline renewed_at_{};
    std::mutex mutex_;
    std::vector<Marker> free_;
    uint64_t made_ = 0;
    uint64_t words_ = 0;
};

/// A random id for a lease: chosen here, so that a grant may be repeated. Never 0.
LeaseId new_lease_id();

}  // namespace belay::store
