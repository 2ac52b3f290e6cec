#pragma once
// Keys with revisions: where the journal, the locks and the configuration live.
//
// The contract is what SQLite and etcd 3 both keep, so that one machine and a site run the same engine. What
// only the local stores (memory, SQLite) keep is said so, and nobody who may be given either kind relies on
// it.
//  - A key is a path ("operation/7/state"), a value is bytes. Keys sort as bytes.
//  - Every commit that changes something gets a revision of the store that is higher than every one before,
//  and
//    so do a revoke() and an expire() that delete a key. An entry knows the revision that created it and the
//    one that modified it last; a deleted and re-made key is created anew. Revisions may be left out, and a
//    commit that changes nothing may raise them too: they say what came first, and not how much has happened.
//    A local store counts from 0, and only what changes something.
//  - A transaction is all or nothing, and durable when commit() returns. Its comparisons are made at the same
//    instant.
//  - A watch delivers, in order of revision, the latest state of every key that changed under its prefix.
//    Changes of one key in quick succession may be delivered as one; the last state is never left out, and no
//    state comes twice. In a local store what is committed is there for the next next(); etcd's comes over
//    the network, a moment later.
//  - A lease deletes the keys that were put under it when it is not kept alive for its time to live: never
//    sooner. In a local store it does so at the next expire(), leases run on the monotonic clock and end with
//    the boot, and opening the store anew within one boot gives every lease its full time again, since its
//    holder could not keep it alive meanwhile. In etcd leases are whole seconds, two at least, on the clock
//    of its leader; keys go within about a second after that, and a new leader gives every lease its full
//    time again.
//
// A local store after a failed sync: nobody knows what is on the disk. It then answers every later call with
// the same error (kind io) until it is opened anew, and after damage was met (corrupt) likewise. A full disk
// (no_space) is not that: the transaction did not happen, and the next may.

#include "base/result.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::store {

/// Rises with the commits of a store; 0 comes before the first commit.
using Revision = int64_t;
using LeaseId = int64_t;  ///< 0: no lease; an id is never given twice

struct Entry {
    std::string key;
    std::string value = {};
    Revision created = 0;
    Revision modified = 0;
    LeaseId lease = 0;
};

/// Holds if the key's revision of that sort is exactly `revision`; 0 means that the key does not exist.
struct Compare {
    enum class Of { created, modified } of = Of::modified;
    std::string key;
    Revision revision = 0;
};

/// One write of a transaction: a put, or a delete where `value` is empty optional. A delete of what is not
/// there does nothing. A put leaves the key under `lease` alone, whatever lease it was under before.
struct Write {
    std::string key;
    std::optional<std::string> value = {};
    LeaseId lease = 0;
};

struct Transaction {
    std::vector<Compare> when;
    std::vector<Write> then;
};

/// What became of a transaction whose comparisons were made.
struct Commit {
    bool succeeded = false;              ///< false: a comparison did not hold, nothing was written
    Revision revision = 0;               ///< of the store after it
    std::optional<Entry> conflict = {};  ///< the entry of the first comparison that failed, if it exists
};

/// A change under a watched prefix: the entry, or, where it was deleted, its key with `deleted` set (value
/// empty, `modified` the revision that deleted it).
struct Change {
    Entry entry;
    bool deleted = false;
};

/// One subscriber. Used by one thread at a time, but for interrupt(). Is destroyed before its store.
class Watch {
  public:
    virtual ~Watch() = default;
    /// The changes since the last call, oldest first, at most 1,000 at once; waits up to `patience` (a day at
    /// most) for the first one, and comes back empty after it. Errors: those of the store; after
    /// `unavailable` the watch goes on where it was. not_found: it was out of touch for longer than the store
    /// remembers, and the caller lists anew, as for Store::watch().
    virtual Result<std::vector<Change>> next(std::chrono::milliseconds patience) = 0;
    /// Makes the next() that waits in another thread, or else the coming one, return at once and empty. No
    /// change is lost by it. Threads: any.
    virtual void interrupt() = 0;
};

/// Threads: any; calls are atomic. Every call may fail with io, corrupt, unavailable, permission, and the
/// writing ones with no_space. An error means that nothing was done, but for io (above) and `lost`: there
/// nobody can say whether a commit() was done, or will be.
class Store {
  public:
    virtual ~Store() = default;

    virtual Result<std::optional<Entry>> get(std::string_view key) = 0;
    /// The entries whose key begins with `prefix` and sorts after `after`, at most `limit`, in order of keys.
    virtual Result<std::vector<Entry>> list(std::string_view prefix, std::string_view after = {},
                                            size_t limit = 10'000) = 0;
    virtual Result<Revision> revision() = 0;

    /// The limits are in limits.h; beyond them, and for a key that is written twice: usage. A put under a
    /// lease that has ended: not_found, and nothing was written. `refused`: larger than an etcd takes that
    /// was not started for Belay.
    virtual Result<Commit> commit(const Transaction& transaction) = 0;

    /// Delivers what changed after revision `since`. At least the last 1,000 revisions are remembered; for a
    /// `since` that is forgotten, or one that this store has not reached (it was restored from a backup):
    /// not_found, and the caller lists anew. To miss nothing, ask revision() first, then list, then watch.
    virtual Result<std::unique_ptr<Watch>> watch(std::string_view prefix, Revision since) = 0;

    /// Time to live: 1 ms to 10 years, else usage. An id is never given twice.
    virtual Result<LeaseId> grant(std::chrono::milliseconds time_to_live) = 0;
    /// Errors: not_found where the lease has ended.
    virtual Result<void> keep_alive(LeaseId lease) = 0;
    /// Ends the lease now and deletes its keys. Ending what has ended is no error.
    virtual Result<void> revoke(LeaseId lease) = 0;
    /// Deletes the keys of leases that have run out. Whoever serves a store calls this when next_expiry()
    /// says so. Etcd does it by itself.
    virtual Result<void> expire() = 0;
    /// When the next lease runs out, from now; nothing where there is no lease, or nobody has to see to it.
    virtual Result<std::optional<std::chrono::milliseconds>> next_expiry() = 0;
};

}  // namespace belay::store
