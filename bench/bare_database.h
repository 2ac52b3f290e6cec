#pragma once
// The peer of the journal: what a program would do that keeps its progress in SQLite with no engine around.

#include "base/result.h"

#include <cstdint>
#include <memory>

struct sqlite3;
struct sqlite3_stmt;

namespace belay::bench {

/// A database with the settings of our store: WAL, synchronous=FULL, one process.
class BareDatabase {
  public:
    static Result<std::unique_ptr<BareDatabase>> open(const std::string& path);
    ~BareDatabase();
    BareDatabase(const BareDatabase&) = delete;
    BareDatabase& operator=(const BareDatabase&) = delete;

    /// One row of 128 bytes, durable when it returns.
    Result<void> commit_one();

  private:
    BareDatabase() = default;
    Result<void> demand(int code, int wanted) const;

    sqlite3* database_ = nullptr;
    sqlite3_stmt* insert_ = nullptr;
    int64_t last_ = 0;
};

}  // namespace belay::bench
