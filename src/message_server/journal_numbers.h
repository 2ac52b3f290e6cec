#pragma once
// What the cursors of a journal say of how many entries there were. A cursor is opaque
// (sd_journal_get_cursor(3)): where one is none of those that systemd has made so far, nothing is known, and
// nothing depends on it.
//
// journald numbers the entries of all its files in one row, but each of its files may begin a series of its
// own, known by an id: of two numbers of one series, what is missing between them is what was neither read
// nor of another series.

#include "base/units.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace belay::message_server {

struct JournalNumber {
    std::string series = {};
    uint64_t number = 0;
    Milliseconds at{0};     ///< wall clock
    std::string boot = {};  ///< id of the boot that it is of
};
/// Nothing: it says none.
std::optional<JournalNumber> number_in(std::string_view cursor);

/// Threads: one at a time.
class JournalNumbers {
  public:
    static constexpr size_t most_series = 64;

    /// That it has been read, before this was told of any of its series.
    void begin_behind(const JournalNumber& entry);
    /// How many are missing before this one, since the last of its series; it is to be told of each entry
    /// that is read.
    uint64_t missing_before(const JournalNumber& entry);

  private:
    struct Last {
        uint64_t number = 0;
        uint64_t read = 0;  ///< how many had been read, or found missing, by then
    };
    std::map<std::string, Last> last_;
    uint64_t read_ = 0;
};

}  // namespace belay::message_server
