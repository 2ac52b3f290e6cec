#pragma once
// The format of the database file, version 1. It is an SQLite 3 database in WAL mode; keys and values are
// blobs.
//
//     application_id 0x42656c79 ("Bely"), user_version 1
//     entry      key -> created, modified, lease, value
//     tombstone  (revision, key): what was deleted at which revision, for the last 1,000 revisions and some
//     more. A
//                key that exists again is still among them; its entry is the younger.
//     lease      id -> time to live in milliseconds, boot id; ids are never used twice
//
// The revision of the store is not written down: the last commit left an entry or a tombstone of that
// revision, so it is the greatest of them. That saves a page in every commit. Deadlines are not either (see
// leases.h).
//
// `value` is the last column, so that a look at the revisions of a key does not read a long value.

#include "store/sqlite_connection.h"

namespace belay::store {

/// Finds out, without a change to it, whether the file is a whole database that this Belay may open. An empty
/// one is. Errors: corrupt, version, busy, permission, io.
Result<void> inspect_database(const std::string& path);

/// Makes the tables where the database is empty.
Result<void> make_tables(SqliteConnection& connection);

}  // namespace belay::store
