#pragma once
// What was said and is not kept yet: in the order of each speaker, and of all of them in turn.
//
// It holds so many bytes and no more, so whoever speaks more than its share loses messages: those of the
// least importance first, alarms last. How many of which level were lost, and between when, is a message that
// is said in their place. Nothing here waits: a speaker is never held up by another one, or by a disk.
//
// A level may use so much of each share, and what is beyond is dropped:
//
//     debug 50 %   trace 60 %   interaction 70 %   standard 85 %   alarm 100 %

#include "framework/messages/store/message_store.h"

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace belay::message_server {

using framework::messages::EventId;
using framework::messages::Level;
using framework::messages::Message;
using framework::messages::Position;

struct IntakeLimits {
    size_t bytes = 32 << 20;          ///< of all speakers
    size_t speaker_bytes = 12 << 20;  ///< of one
    double rate = 20'000;             ///< messages a second of one, in the long run
    double burst = 400'000;           ///< of one, at once
};

/// Whoever says something.
struct Speaker {
    std::string name = {};         ///< what it is told by; its share is that of all who are called so
    std::string application = {};  ///< empty: Belay itself
};

/// What is kept together or not at all.
struct Group {
    std::vector<Message> messages = {};
    std::optional<Position> position = {};
    std::function<void()> kept = {};  ///< called when all before it of its speaker, and it, are on the disk
    size_t bytes = 0;
};

/// What a message takes in memory, about.
size_t bytes_of(const Message& message);

/// Threads: one at a time. All times are of a clock that is not set, but for `wall`.
class Intake {
  public:
    explicit Intake(IntakeLimits limits) : limits_(limits) {}

    /// False: there was no room for it, and it is counted.
    bool offer(const Speaker& speaker, Message message, Milliseconds now, Milliseconds wall);
    /// Of a source that waits until there is room, as has_room() says, or until the one before is kept.
    void put(const Speaker& speaker, Group group);
    /// One that was lost before it was offered.
    void count_dropped(const Speaker& speaker, Level level, Milliseconds now, Milliseconds wall);
    bool has_room(const std::string& name) const;

    /// The next of all speakers, about `most` bytes of them, and what is to be said of those that were
    /// dropped: a second after the first of them, or with `all_gaps` at once.
    std::vector<Group> take(size_t most, Milliseconds now, Milliseconds wall, bool all_gaps = false);

    bool is_empty() const { return waiting_groups_ == 0; }
    /// When there is something to be said of messages that were dropped; nothing: nothing is.
    std::optional<Milliseconds> next_gap() const;
    size_t bytes() const { return bytes_; }
    /// How many were dropped since the beginning, by level.
    const std::array<uint64_t, framework::messages::levels>& dropped() const { return dropped_; }
    /// The same by the names of speakers; the most talkative thousand that there were.
    const std::map<std::string, uint64_t>& dropped_by_speaker() const { return dropped_by_speaker_; }

  private:
    struct Gap {
        Milliseconds since{0};           ///< when it began
        Milliseconds first{0}, last{0};  ///< wall clock
        std::array<uint64_t, framework::messages::levels> count{};
    };
    struct Queue {
        Speaker speaker;
        std::deque<Group> groups;
        size_t bytes = 0;
        double used = 0;  ///< of its burst
        Milliseconds refreshed{0};
        std::optional<Gap> gap;
    };

    Queue& queue_of(const Speaker& speaker, Milliseconds now);
    bool admits(const Queue& queue, Level level, size_t bytes) const;
    void refresh(Queue& queue, Milliseconds now) const;
    static Message said_of(const Queue& queue, Milliseconds wall);
    void take_gaps(std::vector<Group>& taken, Milliseconds now, Milliseconds wall, bool all);
    void forget_quiet_ones(Milliseconds now);

    const IntakeLimits limits_;
    std::map<std::string, Queue> queues_;
    std::string turn_;  ///< whose came last
    size_t bytes_ = 0;
    size_t waiting_groups_ = 0;
    std::array<uint64_t, framework::messages::levels> dropped_{};
    std::map<std::string, uint64_t> dropped_by_speaker_;
};

}  // namespace belay::message_server
