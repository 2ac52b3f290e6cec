#include "bare_database.h"

#include <fmt/format.h>
#include <sqlite3.h>

namespace belay::bench {

Result<void> BareDatabase::demand(int code, int wanted) const
{
    if (code == wanted) return {};
    return fail(ErrorKind::io, fmt::format("the bare database failed: {}", sqlite3_errmsg(database_)));
}

Result<std::unique_ptr<BareDatabase>> BareDatabase::open(const std::string& path)
{
    std::unique_ptr<BareDatabase> bare(new BareDatabase);
    TRY(bare->demand(sqlite3_open(path.c_str(), &bare->database_), SQLITE_OK));
    TRY(bare->demand(sqlite3_exec(bare->database_,
                                  "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
                                  "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 8388608;"
                                  "CREATE TABLE done (number INTEGER PRIMARY KEY, value TEXT NOT NULL)",
                                  nullptr, nullptr, nullptr),
                     SQLITE_OK));
    TRY(bare->demand(
        sqlite3_prepare_v2(bare->database_, "INSERT INTO done VALUES (?, ?)", -1, &bare->insert_, nullptr),
        SQLITE_OK));
    return bare;
}

BareDatabase::~BareDatabase()
{
    sqlite3_finalize(insert_);
    sqlite3_close(database_);
}

Result<void> BareDatabase::commit_one()
{
    // No BEGIN and COMMIT around it: one statement is a transaction, and this is the quickest way to have
    // one.
    static constexpr char value[129] =
        "................................................................"
        "................................................................";
    sqlite3_bind_int64(insert_, 1, ++last_);
    sqlite3_bind_text(insert_, 2, value, sizeof value - 1, SQLITE_STATIC);
    const int code = sqlite3_step(insert_);
    sqlite3_reset(insert_);
    return demand(code, SQLITE_DONE);
}

}  // namespace belay::bench
