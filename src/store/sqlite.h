#pragma once
// The store of one machine: one SQLite database file, WAL, synchronous=FULL.

#include "store/store.h"

namespace belay::store {

/// Opens the database file, or makes it (mode 0600) where it is not there. A database from a newer Belay is refused (version), a
/// damaged one too (corrupt), and neither is changed. One process at a time: the caller holds the lock on the folder.
/// Errors: permission, no_space, io, version, corrupt.
Result<std::unique_ptr<Store>> open_sqlite(const std::string& path);

}  // namespace belay::store
