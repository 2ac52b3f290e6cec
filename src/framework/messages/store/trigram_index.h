#pragma once
// Where in a sealed segment a text can be at all: for every three bytes in a row, the groups of 32 messages
// that have them. What is found is a little too much (two trigrams share a hash, or are in two messages of a
// group), so whoever asks looks at the texts themselves; it is never too little.
//
//     hash    of three bytes, A to Z as a to z: 0..65535
//     groups  a byte that says which form, then
//               0: the distance from each group to the next, the first from -1, as varints (7 bits a byte,
//               the low
//                  ones first)
//               1: a bit a group, the low ones first
//
// A group is number / 32, less that of the segment's first number.

#include "store/sqlite_connection.h"

#include <optional>
#include <vector>

namespace belay::framework::messages {

inline constexpr uint64_t group_messages = 32;

/// A to Z as a to z, all else as it is.
unsigned char folded(unsigned char byte);

/// Finds one text in many, upper and lower case of A to Z alike.
class TextFinder {
  public:
    explicit TextFinder(std::string_view part);
    bool is_in(std::string_view text) const;

  private:
    std::string part_;
    std::array<size_t, 256> skip_;  ///< by the byte that stands at the part's end, how far to go on
};

/// Collects what goes into the table trigram. Takes about as much memory as the table does.
class TrigramIndex {
  public:
    TrigramIndex();
    /// Groups in ascending order, each as often as it has messages.
    void add(uint32_t group, std::string_view text);
    /// Into the empty table. Once, at the end. Errors: those of the database.
    Result<void> write(const store::SqliteConnection& connection);

  private:
    struct Groups {
        std::string distances = {};
        uint32_t next = 0;  ///< the group after the last
    };
    void end_group();

    std::vector<Groups> by_hash_;
    std::vector<bool> is_seen_;
    std::vector<uint16_t> seen_;  ///< in the group that is being added to
    uint32_t group_ = 0;
};

/// The groups below `count` that may have the part, descending; nothing where the part is too short to say.
/// Errors: those of the database, corrupt.
Result<std::optional<std::vector<uint32_t>>> groups_with(const store::SqliteConnection& connection,
                                                         std::string_view part, uint32_t count);

}  // namespace belay::framework::messages
