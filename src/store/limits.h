#pragma once
// What one transaction may hold: the same in every store, and within what an etcd that is set up for Belay
// takes.

#include "store/store.h"

namespace belay::store {

constexpr size_t max_key_bytes = 512;
constexpr size_t max_value_bytes = 4 << 20;
constexpr size_t max_transaction_bytes = 8 << 20;  ///< keys and values of its writes together
constexpr size_t max_writes = 127;               ///< etcd's own 128 but for the marker's; as many comparisons
constexpr Revision remembered_revisions = 1000;  ///< how far back a watch may begin

/// Keys of 1..512 bytes, each written once at most; nothing beyond the limits above. Errors: usage.
Result<void> check_limits(const Transaction& transaction);

/// 1 ms..10 years. Errors: usage.
Result<void> check_time_to_live(std::chrono::milliseconds time_to_live);

/// Whether a store at revision `current` still knows everything after `since`. Errors: not_found.
Result<void> check_since(Revision since, Revision current);

}  // namespace belay::store
