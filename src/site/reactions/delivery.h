#pragma once
// Sees to it that each reaction to each alarm is done: at least once, and once where nothing crashes. Whoever
// begins one says so in the book first, with how long it may take; so nobody else begins it, and after a
// crash it is begun again. What fails is tried again, later and later, a number of times.

#include "framework/alarms/book.h"
#include "site/reactions/reactions.h"

#include <mutex>

namespace belay::site {

/// Threads: any. The book and the reactor outlive it.
class Delivery {
  public:
    static constexpr uint32_t most_attempts = 12;
    static constexpr Milliseconds first_pause = std::chrono::seconds(10);
    static constexpr Milliseconds longest_pause = std::chrono::minutes(15);
    /// How much longer than its own limit a reaction of another daemon is left alone.
    static constexpr Milliseconds grace = std::chrono::seconds(30);
    static constexpr size_t most_at_once = 4;

    struct Work {
        uint64_t alarm = 0;
        size_t deed = 0;
    };

    /// `holder`: this daemon, the same after it began anew. `limit`: how long a deed may take.
    Delivery(framework::alarms::AlarmBook& book, Reactor& reactor, std::string holder,
             std::function<Milliseconds(const framework::alarms::Deed&)> limit)
        : book_(book), reactor_(reactor), holder_(std::move(holder)), limit_(std::move(limit))
    {
    }

    /// Takes what is due, as far as most_at_once goes; perform() is to be called for each. Errors: those of
    /// the store.
    Result<std::vector<Work>> claim(Milliseconds wall);
    /// Does it and writes down what came of it: takes as long as it takes. Errors: those of the store; what
    /// came of it is kept then, and written by the next claim().
    Result<void> perform(const Work& work, const std::function<Milliseconds()>& wall);
    /// When the next one is due, after a claim() that took nothing; nothing: there is none.
    Result<std::optional<Milliseconds>> next() const;
    /// How many are being done.
    size_t busy() const;

  private:
    struct Ended {
        Work work;
        Result<std::string> result;
    };
    Result<void> write(const Ended& ended, Milliseconds wall);
    bool is_busy(uint64_t alarm) const;
    std::optional<size_t> due(const framework::alarms::Alarm& alarm, Milliseconds wall) const;
    Result<std::optional<Work>> claim_of(uint64_t alarm, Milliseconds wall);

    framework::alarms::AlarmBook& book_;
    Reactor& reactor_;
    const std::string holder_;
    const std::function<Milliseconds(const framework::alarms::Deed&)> limit_;
    mutable std::mutex mutex_;
    std::set<uint64_t> busy_;       ///< alarms
    std::vector<Ended> unwritten_;  ///< what came of it could not be written; their alarms are busy
};

/// After so many attempts.
Milliseconds pause_after(uint32_t attempts);

}  // namespace belay::site
