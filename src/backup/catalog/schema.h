#pragma once
// The tables of a catalog's file.

#include "store/sqlite_connection.h"

namespace belay::backup::catalog {

inline constexpr const char* rebuild_advice = "belay catalog rebuild makes it anew from the repositories";

/// Makes the tables in an empty file. Errors: those of the system.
Result<void> make_tables(const store::SqliteConnection& connection);
/// Errors: corrupt, where it is no catalog; version, where a newer Belay has made it.
Result<void> check_tables(const store::SqliteConnection& connection, const std::string& path);

}  // namespace belay::backup::catalog
