#include "store/sqlite_schema.h"

#include <unistd.h>

namespace belay::store {
namespace {

constexpr int64_t application_id = 0x42656c79;
constexpr int64_t schema_version = 1;

constexpr const char* tables = R"(
    BEGIN IMMEDIATE;
    PRAGMA application_id = 0x42656c79;
    PRAGMA user_version = 1;
    CREATE TABLE entry (
        key BLOB PRIMARY KEY,
        created INTEGER NOT NULL,
        modified INTEGER NOT NULL,
        lease INTEGER NOT NULL,
        value BLOB NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE tombstone (
        revision INTEGER NOT NULL,
        key BLOB NOT NULL,
        PRIMARY KEY (revision, key)
    ) WITHOUT ROWID;
    CREATE TABLE lease (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        time_to_live INTEGER NOT NULL,
        boot BLOB NOT NULL
    );
    COMMIT;
)";

/// Nobody's: a file of no bytes, or one whose making was cut short.
Result<bool> is_empty(const SqliteConnection& connection)
{
    return TRY(connection.query_integer("PRAGMA application_id")) == 0 &&
           TRY(connection.query_integer("SELECT count(*) FROM sqlite_schema")) == 0;
}

}  // namespace

Result<void> inspect_database(const std::string& path)
{
    // A journal beside the file is ours as well: it was being made when the power went.
    const bool has_log =
        access((path + "-wal").c_str(), F_OK) == 0 || access((path + "-journal").c_str(), F_OK) == 0;
    const auto connection = TRY(SqliteConnection::open(
        path, has_log ? SqliteConnection::Mode::inspect : SqliteConnection::Mode::immutable));
    if (TRY(is_empty(*connection))) return {};

    if (TRY(connection->query_integer("PRAGMA application_id")) != application_id) {
        return fail(ErrorKind::corrupt, fmt::format("{} is the database of another application", path),
                    fmt::format("move it away: mv {0} {0}.other", path));
    }
    const int64_t version = TRY(connection->query_integer("PRAGMA user_version"));
    if (version > schema_version) {
        return fail(ErrorKind::version,
                    fmt::format("{} was written by a newer Belay (format {}; this one reads up to format {})",
                                path, version, schema_version),
                    "install that Belay again, or a newer one; the database is as it was");
    }
    if (version != schema_version)
        return damaged(path, fmt::format("its format is {}, which never was", version));
    const std::string verdict = TRY(connection->query_text("PRAGMA quick_check(1)"));
    if (verdict != "ok") return damaged(path, verdict);
    return {};
}

Result<void> make_tables(SqliteConnection& connection)
{
    if (!TRY(is_empty(connection))) return {};
    TRY(connection.execute(tables));
    return connection.checkpoint();  // so that the file says what it is, even without its WAL
}

}  // namespace belay::store
