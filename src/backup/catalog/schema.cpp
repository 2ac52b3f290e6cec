#include "backup/catalog/schema.h"

namespace belay::backup::catalog {
namespace {

constexpr int64_t application_id = 0x42656c43, schema_version = 1;

constexpr const char* tables = R"(
    BEGIN IMMEDIATE;
    PRAGMA application_id = 0x42656c43;
    PRAGMA user_version = 1;
    CREATE TABLE repository (
        number INTEGER PRIMARY KEY,
        id BLOB NOT NULL UNIQUE,
        location BLOB NOT NULL,
        one_client INTEGER NOT NULL
    );
    CREATE TABLE client (
        number INTEGER PRIMARY KEY,
        identity BLOB NOT NULL,
        repository INTEGER NOT NULL,
        host BLOB NOT NULL,
        UNIQUE (identity, repository, host)
    );
    CREATE TABLE snapshot (
        number INTEGER PRIMARY KEY,
        repository INTEGER NOT NULL,
        id BLOB NOT NULL,
        tree INTEGER NOT NULL,
        client INTEGER NOT NULL,
        seconds INTEGER NOT NULL,
        nanoseconds INTEGER NOT NULL,
        zone INTEGER NOT NULL,
        host BLOB NOT NULL,
        user BLOB NOT NULL,
        lists BLOB NOT NULL,
        UNIQUE (repository, id)
    );
    CREATE INDEX snapshot_root ON snapshot (tree, client, repository, seconds);
    CREATE TABLE tree (
        number INTEGER PRIMARY KEY,
        id BLOB NOT NULL UNIQUE,
        entries BLOB
    );
    CREATE INDEX tree_missing ON tree (number) WHERE entries IS NULL;
    CREATE TABLE within (
        name INTEGER NOT NULL,
        tree INTEGER NOT NULL,
        PRIMARY KEY (name, tree)
    ) WITHOUT ROWID;
    CREATE TABLE above (
        subtree INTEGER NOT NULL,
        tree INTEGER NOT NULL,
        name INTEGER NOT NULL,
        PRIMARY KEY (subtree, tree, name)
    ) WITHOUT ROWID;
    CREATE TABLE name_block (
        number INTEGER PRIMARY KEY,
        names BLOB NOT NULL
    );
    CREATE TABLE name_hash (
        hash INTEGER NOT NULL,
        number INTEGER NOT NULL,
        PRIMARY KEY (hash, number)
    ) WITHOUT ROWID;
    CREATE TABLE loose (
        tree INTEGER PRIMARY KEY
    );
    COMMIT;
)";

}  // namespace

Result<void> make_tables(const store::SqliteConnection& connection)
{
    return connection.execute(tables);
}

Result<void> check_tables(const store::SqliteConnection& connection, const std::string& path)
{
    if (TRY(connection.query_integer("PRAGMA application_id")) != application_id)
        return fail(ErrorKind::corrupt, fmt::format("{} is no catalog", path), rebuild_advice);
    const int64_t version = TRY(connection.query_integer("PRAGMA user_version"));
    if (version > schema_version)
        return fail(ErrorKind::version,
                    fmt::format("{} was written by a newer Belay (format {}; this one reads up to format {})",
                                path, version, schema_version),
                    "install that Belay again, or belay catalog rebuild");
    if (version != schema_version)
        return fail(ErrorKind::corrupt, fmt::format("{} is of format {}, which never was", path, version),
                    rebuild_advice);
    return {};
}

}  // namespace belay::backup::catalog
