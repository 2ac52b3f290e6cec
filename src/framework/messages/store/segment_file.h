#pragma once
// The format of a segment, version 1: an SQLite 3 database.
//
//     application_id 0x426c4d73 ("BlMs"), user_version 1
//     segment   one row: first and last number (last NULL until it is sealed), wall clock of the first append
//     message   number -> at (ms), level (0 alarm .. 4 debug), event (NN * 100000 + NNNNN), host, application
//               (of name; 0: none), interaction, text, attributes (a JSON table, or empty)
//     name      number -> the name of a host or an application
//     kept      level -> how many there are, wall clock (ms) at which the youngest was stored
//     span      number / 256 -> the least and the greatest `at` of those messages: a search by time begins
//     and
//               ends at a number, whatever order the clocks of the hosts put them in
//     position  source -> how far it was taken
//     trigram   of a sealed one: see trigram_index.h
//
// Indexes are by what names few messages: event, application, interaction, and, when it is sealed, host and
// level.

#include "framework/messages/store/message_store.h"
#include "store/sqlite_connection.h"

#include <set>

namespace belay::framework::messages {

inline constexpr uint64_t span_messages = 256;
/// No segment has more numbers, so that the next number after one that cannot be read is known all the same.
inline constexpr uint64_t segment_numbers = 1 << 24;

/// Which of the states a file's name says.
enum class SegmentState {
    open,    ///< appended to, or full and waiting to be sealed
    sealed,  ///< never changed any more
};

std::string segment_name(uint64_t first, std::string_view ending);

struct LevelSummary {
    uint64_t messages = 0;
    Milliseconds stored{0};  ///< the youngest, when it was stored
};

/// What a look at a segment from outside can say.
struct SegmentSummary {
    uint64_t first = 0;
    uint64_t next = 0;  ///< the number after the last that it ever had
    Milliseconds begun{0};
    std::array<LevelSummary, levels> by_level = {};
    std::optional<Milliseconds> oldest = {}, newest = {};  ///< `at`
    uint64_t messages() const;
};

using Positions = std::map<std::string, std::string, std::less<>>;

/// Where an error of SQLite leads a person: nothing is to be done by hand.
inline constexpr const char* segment_advice = "belay puts it aside by itself and goes on without it";

/// Makes the file with empty tables and these positions, on the disk and with a name when it returns.
/// Errors: no_space, io.
Result<void> make_segment(const std::string& path, uint64_t first, const Positions& positions);

/// Connections for reading, one a thread. Errors: corrupt, version, not_found, io.
Result<std::unique_ptr<store::SqliteConnection>> read_segment(const std::string& path, SegmentState state);

Result<SegmentSummary> summary_of(const store::SqliteConnection& connection);
Result<Positions> positions_of(const store::SqliteConnection& connection);

/// A new database file at `path`, whose tables are still to be made. Errors: those of the system.
Result<void> make_empty_file(const std::string& path);
extern const char* const segment_tables;
extern const char* const indexes_of_open;
extern const char* const further_indexes_of_sealed;

int64_t event_number(EventId id);
/// Errors: corrupt.
Result<EventId> event_of(int64_t number);

Result<void> sync_folder(const std::string& path);
/// The file itself and what SQLite has beside it. Whether one is there does not matter.
void remove_segment(const std::string& path);

}  // namespace belay::framework::messages
