#pragma once
// Keys with revisions: where the journal, the locks and the configuration live.
//
// The contract is what etcd 3 and SQLite can both keep, so that one machine and a site run the same engine:
//  - A key is a path ("operation/7/state"), a value is bytes. Keys sort as bytes.
//  - Every commit that changes something gets the next revision of the whole store. An entry knows the
//  revision that
//    created it and the one that modified it last; a deleted and re-made key is created anew.
//  - A transaction is all or nothing, and durable when commit() returns. Its comparisons are made at the same
//  instant.
//  - A watch delivers, in order of revision, the latest state of every key that changed under its prefix.
//  Changes of one key
//    in quick succession may be delivered as one; the last state is never left out.
//  - A lease deletes the keys that were put under it when it is not kept alive for its time to live. Leases
//  run on the
//    monotonic clock and end with the boot.
//
// After a failed sync nobody knows what is on the disk: the store then answers every later call with the same
// error (kind io) until it is opened anew. A full disk (no_space) is not that: the transaction did not
// happen, and the next may.

#include "base/result.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::store {

/// Counts the commits of a store; 0 is the empty store, before the first commit.
using Revision = int64_t;
using LeaseId = int64_t;  ///< 0: no lease

struct Entry {
    std::string key;
    std::string value;
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
/// there does nothing.
struct Write {
    std::string key;
    std::optional<std::string> value;
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
/// empty).
struct Change {
    Entry entry;
    bool deleted = false;
};

/// One subscriber. Used by one thread at a time.
class Watch {
  public:
    virtual ~Watch() = default;
    /// The changes since the last call, oldest first; waits up to `patience` for the first one, and comes
    /// back empty after it. Errors: those of the store.
    virtual Result<std::vector<Change>> next(std::chrono::milliseconds patience) = 0;
    /// Makes a next() that waits in another thread return at once, empty.
    virtual void interrupt() = 0;
};

/// Threads: any; calls are atomic. Every call may fail with io, corrupt, unavailable, and the writing ones
/// with no_space and permission.
class Store {
  public:
    virtual ~Store() = default;

    virtual Result<std::optional<Entry>> get(std::string_view key) = 0;
    /// The entries whose key begins with `prefix` and sorts after `after`, at most `limit`, in order of keys.
    virtual Result<std::vector<Entry>> list(std::string_view prefix, std::string_view after = {},
                                            size_t limit = 10'000) = 0;
    virtual Result<Revision> revision() = 0;

    /// Keys: 1..512 bytes, each written at most once in a transaction; values: up to 4 MiB. Beyond: usage.
    virtual Result<Commit> commit(const Transaction& transaction) = 0;

    /// Delivers what changed after revision `since`. Deletes are remembered for at least the last 1,000
    /// revisions; a `since` older than what is remembered: not_found, and the caller lists anew.
    virtual Result<std::unique_ptr<Watch>> watch(std::string_view prefix, Revision since) = 0;

    virtual Result<LeaseId> grant(std::chrono::milliseconds time_to_live) = 0;
    /// Errors: not_found where the lease has ended.
    virtual Result<void> keep_alive(LeaseId lease) = 0;
    /// Ends the lease now and deletes its keys. Ending what has ended is no error.
    virtual Result<void> revoke(LeaseId lease) = 0;
    /// Deletes the keys of leases that have run out. Whoever serves a store calls this when next_expiry()
    /// says so.
    virtual Result<void> expire() = 0;
    /// When the next lease runs out, from now; nothing where there is no lease.
    virtual Result<std::optional<std::chrono::milliseconds>> next_expiry() = 0;
};

}  // namespace belay::store
