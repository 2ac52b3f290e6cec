#pragma once
// Messages as a site of twenty hosts says them, the same in each run.

#include "framework/messages/message.h"

#include <random>

namespace belay::bench {

class SampleMessages {
  public:
    static constexpr Milliseconds begin{1'700'000'000'000};
    static constexpr unsigned hosts = 20, applications = 40, events = 200;
    /// Of this event there is one in a million messages.
    static constexpr framework::messages::EventId rare = {.component = 99, .number = 99};

    /// `apart`: between one message and the next, on average.
    explicit SampleMessages(Milliseconds apart) : apart_(apart) {}
    framework::messages::Message next();
    uint64_t count() const { return count_; }
    Milliseconds now() const { return now_; }

  private:
    std::string_view word();
    std::string text();
    uint64_t roll() { return random_(); }

    const Milliseconds apart_;
    Milliseconds now_ = begin;
    uint64_t count_ = 0;
    std::mt19937_64 random_{7};
};

}  // namespace belay::bench
