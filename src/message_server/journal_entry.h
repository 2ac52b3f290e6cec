#pragma once
// An entry of systemd's journal, and the message that it becomes. Names with "_" at the front are what
// journald has seen of the sender itself; all others are what the sender says, and may be anything. Source:
// systemd.journal-fields(7).

#include "message_server/speakers.h"

#include <map>
#include <string>
#include <string_view>

namespace belay::message_server {

/// Threads: one at a time.
class JournalEntry {
  public:
    /// `at`: wall clock of when journald took it in.
    explicit JournalEntry(Milliseconds at) : at_(at) {}

    /// "NAME=value", as the journal has it. Of a name that is there several times the first counts; what is
    /// of no use to a message is left out, and what is longer than a message may have is cut.
    void add(std::string_view field);

    Milliseconds at() const { return at_; }
    /// Empty: it has none, or an empty one.
    std::string_view value(std::string_view name) const;
    /// What systemd's part of the machine calls the sender: its service, or "kernel"; empty: neither.
    std::string service() const;

  private:
    friend Message message_of(const JournalEntry& entry, const Identity& who);

    const Milliseconds at_;
    std::map<std::string, std::string, std::less<>> seen_, said_;
};

/// Of which level what has this priority of syslog is ("0" to "7"); of anything else, that of "info".
Level level_of_priority(std::string_view priority);

/// As `who` has said it: MESSAGE is its text, PRIORITY its level. Identifier, facility, unit and number of
/// the process become attributes; so do fields of the sender's own, by their names. It is within all limits.
Message message_of(const JournalEntry& entry, const Identity& who);

}  // namespace belay::message_server
