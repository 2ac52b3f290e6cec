#pragma once
// The store of one machine: one SQLite database file, WAL, synchronous=FULL.

#include "store/leases.h"
#include "store/store.h"

namespace belay::store {

/// Opens the database file, or makes it (mode 0600) where it is not there. A database from a newer Belay is
/// refused (version), a damaged one and that of another application too (corrupt), and none of them is
/// changed: not a byte, and no file beside it. One process at a time: the caller holds the lock on the folder
/// (busy, where it does not). Reads the whole file once, to find damage now rather than in the middle of an
/// operation. Errors: permission, not_found (the folder), no_space, io, version, corrupt, busy.
Result<std::unique_ptr<Store>> open_sqlite(const std::string& path, BootClock clock = this_boot());

}  // namespace belay::store
