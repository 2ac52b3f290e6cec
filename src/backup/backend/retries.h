#pragma once
// Trying again what may pass: a server that starts anew, a line that was cut.

#include "base/result.h"

#include <chrono>
#include <functional>

namespace belay::backup {

struct RetryOptions {
    std::chrono::milliseconds first_pause{500};                           ///< each one is 1.5 times as long
    std::chrono::milliseconds longest_pause = std::chrono::minutes(1);    ///< give or take a half, as all are
    std::chrono::milliseconds gives_up_after = std::chrono::minutes(15);  ///< from the first failure on
    /// Told before each pause. Threads: any.
    std::function<void(const Error&, std::chrono::milliseconds pause)> tells = {};
};

/// The tries of one request. Threads: one.
class Retries {
  public:
    explicit Retries(const RetryOptions& options) : options_(options), next_pause_(options.first_pause) {}

    /// The server has asked for a pause so long.
    void ask_for(std::chrono::seconds pause) { asked_pause_ = pause; }
    /// Whether to try again after this error: it is `unavailable`, and there is time left. Waits before it
    /// says yes.
    bool again(const Error& error);

  private:
    const RetryOptions& options_;
    std::chrono::duration<double, std::milli> next_pause_;
    std::chrono::seconds asked_pause_{0};
    std::chrono::steady_clock::time_point first_failure_ = {};
};

}  // namespace belay::backup
