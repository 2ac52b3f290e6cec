#pragma once
// systemd's journal of this host, entry by entry from a position on, over rotation and over our own restarts:
// the one file that speaks to libsystemd.
//
// A position is a cursor of the journal, or "head": before all that it has. The journal is read in the order
// in which journald has written it, also where it is in several files: what is younger than `settling` waits,
// for something older may still be on its way into another file, and would never be seen.

#include "host/descriptor.h"
#include "message_server/journal_entry.h"
#include "message_server/journal_numbers.h"

#include <memory>
#include <optional>
#include <string>

struct sd_journal;

namespace belay::message_server {

/// Entries that the journal has let go of before they were read.
struct JournalLoss {
    uint64_t count = 0;       ///< as far as their numbers tell
    Milliseconds from{0};     ///< wall clock of the entry before the first of them
    bool is_unknown = false;  ///< nothing tells how many there were, or whether there were any
    Milliseconds until{0};    ///< of the one after the last
    explicit operator bool() const { return count > 0 || is_unknown; }
};

/// Threads: one, from open() on.
class JournalReader {
  public:
    static constexpr Milliseconds settling{20};

    /// Stands at no place: go_to_end() or go_behind(). Errors: unavailable, where there is no journald; those
    /// of the system.
    static Result<std::unique_ptr<JournalReader>> open();
    /// Whether journald is there.
    static bool has_journald();
    /// To be polled: something came that may be journald. It is to be made before has_journald() is asked.
    /// None, where there can be no such thing.
    static host::Descriptor await_journald();

    /// All that is there counts as read.
    void go_to_end();
    /// The entry of `position` was read last. Where it is gone: the first behind it that is there is next.
    void go_behind(const std::string& position);

    enum class Step {
        entry,   ///< it stands at one
        end,     ///< there is no more now
        waiting  ///< there will be, after `settling`
    };
    Step next();

    /// One field of the entry at which it stands; empty: it has none of that name.
    std::string field(const char* name) const;
    JournalEntry entry() const;
    /// Behind the last that next() has given.
    const std::string& position() const { return position_; }
    /// What was lost before that one; told once.
    JournalLoss take_loss();

    /// To be polled, for `events`, at most so long; after that take_changes() is due, also where what has
    /// changed is not read: files that are gone are let go of by it.
    struct Awaited {
        int descriptor = -1;
        short events = 0;
        int milliseconds = -1;
    };
    Awaited awaited() const;
    void take_changes();

  private:
    struct Close {
        void operator()(sd_journal* journal) const;
    };
    explicit JournalReader(sd_journal* journal);
    bool has_any_of_boot(const std::string& boot) const;
    bool is_young(uint64_t looked_at) const;
    void count(const std::string& cursor);
    Step at_end();
    std::string cursor() const;

    const std::unique_ptr<sd_journal, Close> journal_;
    std::string own_boot_;
    std::string position_;
    bool is_there_already_ = false;        ///< it stands at the entry that next() is to give
    bool must_go_back_ = false;            ///< to position_, before the next step
    std::optional<uint64_t> young_since_;  ///< microseconds since the boot

    JournalNumbers numbers_;
    Milliseconds at_{0};                 ///< of the entry of position_
    bool may_miss_ = false;              ///< files have gone since the end was reached
    std::optional<std::string> sought_;  ///< the series of a position that was not there any more
    bool has_read_since_ = false;        ///< an entry since then
    JournalLoss loss_;
};

}  // namespace belay::message_server
