#pragma once
// Ends a connection at a deadline. Calls of libssh may wait for ever, for a server that says nothing or takes
// nothing; a connection that was shut down ends every one of them.

#include "base/units.h"
#include "host/descriptor.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

namespace belay::host::ssh {

/// Threads: any.
class Cutoff {
  public:
    /// `connection`: the same socket once more, so that its number stays its own.
    explicit Cutoff(Descriptor connection);
    ~Cutoff();
    Cutoff(const Cutoff&) = delete;
    Cutoff& operator=(const Cutoff&) = delete;

    /// Ends it in so long, unless another time is given before.
    void in(Milliseconds span);
    void never();
    bool has_ended() const;

  private:
    using Clock = std::chrono::steady_clock;
    void watch(const std::stop_token& stop);

    const Descriptor connection_;
    mutable std::mutex mutex_;
    std::condition_variable_any changed_;
    std::optional<Clock::time_point> due_;
    bool has_ended_ = false;
    std::jthread thread_;
};

}  // namespace belay::host::ssh
