#pragma once
// For tests: a stream that says nothing any more ends after a while, and the test tells what was missing.

#include "site/client.h"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace belay::daemon::testing {

/// While it is there: interrupts the stream of `client` when the time is over.
class TimeLimit {
  public:
    TimeLimit(site::Client& client, std::chrono::steady_clock::time_point end)
        : thread_([&client, end, this](const std::stop_token& stop) {
              std::unique_lock lock(mutex_);
              changed_.wait_until(lock, stop, end, [] { return false; });
              if (!stop.stop_requested()) client.interrupt();
          })
    {
    }

  private:
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::jthread thread_;
};

}  // namespace belay::daemon::testing
