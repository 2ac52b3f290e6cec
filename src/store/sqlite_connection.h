#pragma once
// SQLite's C interface with owners and with our errors. Threads: one at a time.

#include "base/result.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace belay::store {

class SqliteConnection;

/// A prepared statement. Lives no longer than its connection.
class SqliteStatement {
  public:
    /// One execution. The row's bytes are valid until the next row() or the end of the execution.
    class Run {
      public:
        ~Run();
        Run(const Run&) = delete;
        Run& operator=(const Run&) = delete;

        Result<bool> row();  ///< false: no more
        std::string_view bytes(int column) const;
        int64_t integer(int column) const;

      private:
        friend class SqliteStatement;
        explicit Run(const SqliteStatement& statement) : statement_(statement) {}
        const SqliteStatement& statement_;
    };

    SqliteStatement() = default;  ///< none; not to be run

    /// Begins an execution with these parameters, integers and bytes; the bytes must outlive it.
    template <typename... Parameter>
    Run run(const Parameter&... parameter)
    {
        int position = 0;
        (bind(++position, parameter), ...);
        return Run(*this);
    }
    /// An execution without rows.
    template <typename... Parameter>
    Result<void> execute(const Parameter&... parameter)
    {
        Run once = run(parameter...);
        TRY(once.row());
        return {};
    }

  private:
    friend class SqliteConnection;
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const;
    };
    SqliteStatement(const SqliteConnection& connection, sqlite3_stmt* statement)
        : connection_(&connection), statement_(statement)
    {
    }
    void bind(int position, std::string_view bytes);
    void bind(int position, int64_t integer);

    const SqliteConnection* connection_ = nullptr;
    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class SqliteConnection {
  public:
    enum class Mode {
        write,        ///< leaves nothing beside the file when it is closed
        inspect,      ///< reads file and WAL, and leaves both as they are when it is closed
        immutable,    ///< reads the file alone, without a lock; for a file that has no WAL
        shared,       ///< writes, while others read; waits some seconds for another writer
        shared_read,  ///< reads, while another writes
    };
    /// The connection has the file for itself (but in Mode::immutable and where it is shared), so it keeps
    /// the WAL's index in memory. `advice`: what to do where the file is damaged, in place of what is said of
    /// a database that nothing can make anew.
    static Result<std::unique_ptr<SqliteConnection>> open(const std::string& path, Mode mode,
                                                          std::string advice = {});
    ~SqliteConnection();
    SqliteConnection(const SqliteConnection&) = delete;
    SqliteConnection& operator=(const SqliteConnection&) = delete;

    Result<SqliteStatement> prepare(const char* sql) const;
    Result<void> execute(const char* sql) const;
    /// The first column of the first row.
    Result<int64_t> query_integer(const char* sql) const;
    Result<std::string> query_text(const char* sql) const;

    int64_t last_inserted() const;
    bool changed_something() const;  ///< the last insert, update or delete
    bool in_transaction() const;

    /// Moves the WAL into the file when it has grown long. After every commit. Errors: io, corrupt.
    Result<void> checkpoint_if_due();
    Result<void> checkpoint();
    /// After a failed sync: the WAL stays as it is when the connection closes.
    void leave_wal() const;

    /// What SQLite's result code means to us.
    Error error(int code) const;

  private:
    SqliteConnection(std::string path, std::string advice, sqlite3* database);
    int file_errno() const;  ///< of the last call on the database file that failed
    int wal_errno() const;
    Error error(int code, int errno_value) const;

    const std::string path_;
    std::string advice_;
    sqlite3* const database_;
    int wal_pages_ = 0;
};

/// "/x is damaged: ...", with the advice that goes with it.
std::unexpected<Error> damaged(const std::string& path, std::string_view why);

}  // namespace belay::store
