#pragma once
// The dictionary of names: each that a file has anywhere is kept once, with a number. Names lie in blocks of
// 256, a zero byte behind each, so that a pattern is held against all of them by reading them once: some
// milliseconds for a million, whatever the pattern. An index of trigrams would be larger than the names, and
// of no use to a pattern of two letters.

#include "backup/catalog/glob.h"
#include "store/sqlite_connection.h"

#include <functional>
#include <optional>
#include <unordered_map>

namespace belay::backup::catalog {

/// Threads: one at a time.
class Names {
  public:
    static constexpr uint32_t block_names = 256;

    /// The connection outlives it.
    static Result<std::unique_ptr<Names>> open(const store::SqliteConnection& connection);

    Result<std::optional<uint32_t>> find(std::string_view name);
    /// Its number, a new one where it has none. Must be followed by flush() before the commit.
    Result<uint32_t> number_of(std::string_view name);
    Result<void> flush();
    /// Errors: corrupt, where there is none.
    Result<std::string> name(uint32_t number);
    Result<std::string_view> block(uint32_t block_number);
    /// Every name that matches, until `each` says false.
    Result<void> scan(const NamePattern& pattern,
                      const std::function<Result<bool>(uint32_t number, std::string_view name)>& each);
    uint32_t count() const { return count_; }
    /// Sees what another process has added. Errors: those of the system.
    Result<void> refresh();

  private:
    Names() = default;
    Result<std::optional<uint32_t>> find_stored(std::string_view name, int64_t hash);
    void remember(std::string_view name, uint32_t number);
    Result<std::string> read_block(uint32_t block_number);

    store::SqliteStatement get_block_, put_block_, all_blocks_, last_block_, find_hash_, put_hash_;
    std::string tail_;  ///< the last block, which is not full
    uint32_t count_ = 0;
    bool tail_changed_ = false;
    std::unordered_map<std::string, uint32_t> numbers_;  ///< some of them
    std::unordered_map<uint32_t, std::string> blocks_;   ///< some of them
};

}  // namespace belay::backup::catalog
