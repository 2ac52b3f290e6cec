#include "store/sqlite_connection.h"

#include "base/invariant.h"

#include <cerrno>
#include <sqlite3.h>

namespace belay::store {
namespace {

constexpr int checkpoint_pages = 1000;  // of 4 KiB; the WAL keeps its size, so a commit seldom makes it grow

// 1 MiB of cache. A WAL that one large commit has blown up shrinks to 8 MiB again.
constexpr const char* settings = R"(
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA synchronous = FULL;
    PRAGMA cache_size = -1024;
    PRAGMA mmap_size = 0;
    PRAGMA temp_store = MEMORY;
    PRAGMA journal_size_limit = 8388608;
    PRAGMA trusted_schema = OFF;
    PRAGMA cell_size_check = ON;
)";

// For a large database that is read in many places; what its last commits said may be lost with the power.
constexpr int busy_milliseconds = 5000;
constexpr const char* shared_settings = R"(
    PRAGMA synchronous = NORMAL;
    PRAGMA cache_size = -32768;
    PRAGMA mmap_size = 0;
    PRAGMA temp_store = MEMORY;
    PRAGMA journal_size_limit = 67108864;
    PRAGMA trusted_schema = OFF;
    PRAGMA cell_size_check = ON;
)";

/// The path as SQLite's URI: '?', '#' and '%' have a meaning there.
std::string uri_of(const std::string& path, std::string_view query)
{
    std::string uri = "file:";
    for (const char c : path) {
        if (c == '?' || c == '#' || c == '%') {
            uri += fmt::format("%{:02X}", static_cast<unsigned>(c));
        } else {
            uri += c;
        }
    }
    return uri.append(query);
}

/// No room, where the file could not be written for a quota or a limit of the process: SQLite knows only
/// ENOSPC. A sync that fails so is not among them, for nobody knows what it left.
bool is_no_space(int extended_code, int errno_value)
{
    return extended_code == SQLITE_FULL ||
           (extended_code == SQLITE_IOERR_WRITE && (errno_value == EDQUOT || errno_value == EFBIG));
}

int last_errno(sqlite3_file* file)
{
    int value = 0;
    if (file != nullptr && file->pMethods != nullptr) {
        file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &value);
    }
    return value;
}

ErrorKind kind_of(int code, int errno_value)
{
    switch (code & 0xff) {
        case SQLITE_READONLY:
        case SQLITE_PERM:
            return ErrorKind::permission;
        case SQLITE_CANTOPEN:
            return errno_value == EROFS ? ErrorKind::permission : system_error("", errno_value).kind;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return ErrorKind::busy;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
        case SQLITE_ERROR:       // a table or column that should be there is not
        case SQLITE_CONSTRAINT:  // or a row is that should not
            return ErrorKind::corrupt;
        default:
            return is_no_space(code, errno_value) ? ErrorKind::no_space : ErrorKind::io;
    }
}

}  // namespace

std::unexpected<Error> damaged(const std::string& path, std::string_view why)
{
    return fail(
        ErrorKind::corrupt, fmt::format("{} is damaged: {}", path, why),
        fmt::format("put a backup in the place of {0}, or begin without its history: mv {0} {0}.damaged",
                    path));
}

void SqliteStatement::Finalize::operator()(sqlite3_stmt* statement) const
{
    sqlite3_finalize(statement);
}

void SqliteStatement::bind(int position, std::string_view bytes)
{
    const char* data = bytes.empty() ? "" : bytes.data();  // a null pointer would be NULL
    INVARIANT(sqlite3_bind_blob64(statement_.get(), position, data, bytes.size(), SQLITE_STATIC) ==
              SQLITE_OK);
}

void SqliteStatement::bind(int position, int64_t integer)
{
    INVARIANT(sqlite3_bind_int64(statement_.get(), position, integer) == SQLITE_OK);
}

SqliteStatement::Run::~Run()
{
    sqlite3_reset(statement_.statement_.get());
}

Result<bool> SqliteStatement::Run::row()
{
    const int code = sqlite3_step(statement_.statement_.get());
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    return std::unexpected(statement_.connection_->error(code));
}

std::string_view SqliteStatement::Run::bytes(int column) const
{
    sqlite3_stmt* statement = statement_.statement_.get();
    const void* data = sqlite3_column_blob(statement, column);
    return {static_cast<const char*>(data), static_cast<size_t>(sqlite3_column_bytes(statement, column))};
}

int64_t SqliteStatement::Run::integer(int column) const
{
    return sqlite3_column_int64(statement_.statement_.get(), column);
}

SqliteConnection::SqliteConnection(std::string path, std::string advice, sqlite3* database)
    : path_(std::move(path)), advice_(std::move(advice)), database_(database)
{
    sqlite3_extended_result_codes(database_, 1);
    const auto note_length = [](void* self, sqlite3*, const char*, int pages) {
        static_cast<SqliteConnection*>(self)->wal_pages_ = pages;
        return SQLITE_OK;
    };
    sqlite3_wal_hook(database_, note_length, this);  // in the place of SQLite's own, which forgets errors
}

SqliteConnection::~SqliteConnection()
{
    sqlite3_close_v2(database_);
}

Result<std::unique_ptr<SqliteConnection>> SqliteConnection::open(const std::string& path, Mode mode,
                                                                 std::string advice)
{
    sqlite3* database = nullptr;
    const bool reads_only = mode == Mode::immutable || mode == Mode::shared_read;
    const bool is_shared = mode == Mode::shared || mode == Mode::shared_read;
    const int access = reads_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    const std::string uri = uri_of(path, mode == Mode::immutable ? "?immutable=1" : "");
    const int code =
        sqlite3_open_v2(uri.c_str(), &database, access | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, nullptr);
    INVARIANT(database != nullptr);
    std::unique_ptr<SqliteConnection> connection(new SqliteConnection(path, std::move(advice), database));
    if (code != SQLITE_OK) return std::unexpected(connection->error(code));
    if (!reads_only && sqlite3_db_readonly(database, "main") == 1) {
        return std::unexpected(connection->error(SQLITE_READONLY));
    }
    if (mode == Mode::inspect) connection->leave_wal();
    if (is_shared) sqlite3_busy_timeout(database, busy_milliseconds);
    TRY(connection->execute(is_shared ? shared_settings : settings));
    return connection;
}

Result<SqliteStatement> SqliteConnection::prepare(const char* sql) const
{
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(database_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) return std::unexpected(error(code));
    return SqliteStatement(*this, statement);
}

Result<void> SqliteConnection::execute(const char* sql) const
{
    const int code = sqlite3_exec(database_, sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return std::unexpected(error(code));
    return {};
}

Result<int64_t> SqliteConnection::query_integer(const char* sql) const
{
    SqliteStatement statement = TRY(prepare(sql));
    auto run = statement.run();
    INVARIANT(TRY(run.row()));
    return run.integer(0);
}

Result<std::string> SqliteConnection::query_text(const char* sql) const
{
    SqliteStatement statement = TRY(prepare(sql));
    auto run = statement.run();
    INVARIANT(TRY(run.row()));
    return std::string(run.bytes(0));
}

int64_t SqliteConnection::last_inserted() const
{
    return sqlite3_last_insert_rowid(database_);
}

bool SqliteConnection::changed_something() const
{
    return sqlite3_changes(database_) > 0;
}

bool SqliteConnection::in_transaction() const
{
    return sqlite3_get_autocommit(database_) == 0;
}

Result<void> SqliteConnection::checkpoint_if_due()
{
    if (wal_pages_ < checkpoint_pages) return {};
    return checkpoint();
}

Result<void> SqliteConnection::checkpoint()
{
    const int code =
        sqlite3_wal_checkpoint_v2(database_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    if (code == SQLITE_OK) {
        wal_pages_ = 0;
        return {};
    }
    Error failure = error(code, file_errno());
    if (failure.kind == ErrorKind::no_space)
        return {};  // the WAL has everything; the next commit tries again
    return std::unexpected(std::move(failure));
}

void SqliteConnection::leave_wal() const
{
    sqlite3_db_config(database_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

int SqliteConnection::file_errno() const
{
    sqlite3_file* file = nullptr;
    sqlite3_file_control(database_, "main", SQLITE_FCNTL_FILE_POINTER, static_cast<void*>(&file));
    return last_errno(file);
}

int SqliteConnection::wal_errno() const
{
    sqlite3_file* file = nullptr;
    sqlite3_file_control(database_, "main", SQLITE_FCNTL_JOURNAL_POINTER, static_cast<void*>(&file));
    return last_errno(file);
}

Error SqliteConnection::error(int code) const
{
    // A commit writes the WAL, and of that SQLite keeps the number to itself.
    const bool in_wal = (code & 0xff) == SQLITE_IOERR && sqlite3_system_errno(database_) == 0;
    return error(code, in_wal ? wal_errno() : sqlite3_system_errno(database_));
}

Error SqliteConnection::error(int code, int errno_value) const
{
    const ErrorKind kind = kind_of(code, errno_value);
    Error error{.kind = kind, .what = {}, .errno_value = errno_value};
    switch (kind) {
        case ErrorKind::corrupt:
            error = damaged(path_, sqlite3_errmsg(database_)).error();
            if (!advice_.empty()) error.next = advice_;
            return error;
        case ErrorKind::busy:
            error.what = fmt::format("another process has {} open", path_);
            error.next = fmt::format("fuser -v {}", path_);
            break;
        case ErrorKind::no_space:
            error.what = fmt::format("no room left to write {}", path_);
            error.next = fmt::format("df -h {}", path_);
            break;
        case ErrorKind::permission:
            error.what = fmt::format("not allowed to write {}", path_);
            error.next = fmt::format("ls -l {}", path_);
            break;
        default:
            error.what = fmt::format("cannot read or write {}: {}", path_, sqlite3_errstr(code));
            if (errno_value != 0)
                error.what = system_error(fmt::format("read or write {}", path_), errno_value).what;
    }
    return error;
}

}  // namespace belay::store
