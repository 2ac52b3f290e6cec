#pragma once
// The messages of a site or of one host, kept: on the disk before anybody is told so, found again by time,
// id, origin and text, and let go of by age and by size.
//
//     FOLDER/lock
//     FOLDER/00000000000004194305.open     the newest segment: SQLite in WAL mode, with its -wal and -shm
//     FOLDER/00000000000000000001.sealed   an older one: written whole, put in place by a rename, never
//     changed FOLDER/00000000000002097153.damaged  what could not be read, put aside for a person
//
// A segment has the name of the first number in it. Every one holds all that is needed to read it, and is an
// SQLite database that other tools read (segment_file.h says what is in it).
//
// One large database in their place was refused: to delete what is old costs as much as to write it, and what
// is damaged once is damaged wholly. FTS5's index of trigrams was refused for search by text: it takes 13 to
// 25 µs a message to make, twenty times what it takes to store the message; trigram_index.h takes less than
// one.

#include "framework/messages/message.h"

#include <array>
#include <memory>
#include <span>

namespace belay::framework::messages {

/// How far a source was taken: kept in the same transaction as its messages, so that after a crash nothing is
/// twice and nothing is missing. `at` means something to the source alone.
struct Position {
    std::string source;
    std::string at;
};

struct StoreLimits {
    uint64_t segment_bytes = 64ULL << 20;  ///< a segment is full when it is as large, or as old as
    Milliseconds segment_age = std::chrono::hours(24);
    uint64_t bytes = 4ULL << 30;  ///< the oldest segments go when all take more
    /// By level, how long from when it was stored. What is older goes when no younger one of its level is in
    /// its segment, so up to segment_age later.
    std::array<Milliseconds, levels> keep = {std::chrono::days(400), std::chrono::days(90),
                                             std::chrono::days(14), std::chrono::days(3),
                                             std::chrono::days(1)};
};

struct Query {
    /// Wall clock of the message; until is exclusive.
    std::optional<Milliseconds> since = {}, until = {};
    std::vector<EventId> ids = {};                              ///< one of these; empty: any
    std::optional<Level> level = {};                            ///< this one and more important ones
    std::string host = {}, application = {}, interaction = {};  ///< empty: any
    std::string text = {};  ///< a part of the text, upper and lower case of A to Z alike; empty: any
    size_t limit = 100;
    size_t bytes = 64 << 20;  ///< of texts and attributes: no more are given beyond, however few they are
    bool newest = true;       ///< the newest so many (given oldest first); false: the oldest
    std::optional<uint64_t> after = {};  ///< only numbers above
};

struct StoreFigures {
    uint64_t messages = 0, segments = 0;
    uint64_t first = 0;                       ///< number of the first that is there; 0: none is
    uint64_t bytes = 0;                       ///< on the disk
    std::optional<Milliseconds> oldest = {};  ///< wall clock of the oldest message
};

/// A segment that could not be read any more; its messages are not found.
struct Loss {
    std::string file;  ///< where it lies now
    std::string why;   ///< one sentence
};

/// Threads: one appends; any others search, ask, and expire at the same time.
class MessageStore {
  public:
    /// Makes the folder where there is none; one that a killed process left is opened as it is. Errors: busy
    /// where another process has it open, version, no_space, those of the system. What is damaged is no
    /// error: take_losses().
    static Result<std::unique_ptr<MessageStore>> open(const std::string& folder, const StoreLimits& limits);
    ~MessageStore();
    MessageStore(const MessageStore&) = delete;
    MessageStore& operator=(const MessageStore&) = delete;

    /// All of it is on the disk when it returns, or nothing of it where that is an error. `now`: wall clock.
    /// The number of the first; without messages (positions may come alone) that of the next. Errors:
    /// no_space (later ones may succeed); usage (a source's name or position longer than 4 KiB, more than
    /// 2^20 messages); io: the disk said no, nobody knows what it holds, and every later append fails as
    /// well.
    Result<uint64_t> append(std::span<const Message> messages, std::span<const Position> positions,
                            Milliseconds now);
    /// Nothing: that source was never taken. After the newest segment was lost: where the one before it
    /// ended, so that the source may say again what was in it.
    Result<std::optional<std::string>> position(const std::string& source) const;

    /// Oldest first, by number. Errors: usage, io.
    Result<std::vector<StoredMessage>> search(const Query& query) const;

    /// Seals what is full, lets go of what is too old or too much: some seconds, so in a thread for which
    /// nobody waits, once a minute or so. How many messages went. Errors: no_space, io; what was done stays.
    Result<uint64_t> expire(Milliseconds now);

    /// What counts from now on. Waits for expire().
    void set_limits(const StoreLimits& limits);

    uint64_t newest() const;  ///< number of the newest that was ever stored; 0: none
    StoreFigures figures() const;

    /// What was found damaged and put aside since the last call.
    std::vector<Loss> take_losses();

  private:
    struct Inside;
    explicit MessageStore(std::unique_ptr<Inside> inside);
    const std::unique_ptr<Inside> inside_;
};

}  // namespace belay::framework::messages
