#pragma once
// A speed that many transfers share.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace belay::backup {

/// Threads: any; they are served in the order in which they come.
class RateLimit {
  public:
    /// 0: no limit.
    explicit RateLimit(uint64_t bytes_per_second) : bytes_per_second_(bytes_per_second) {}

    /// The most that is asked for at once, so that no transfer waits long behind another.
    static constexpr size_t largest_share = 16 << 10;

    bool is_limited() const { return bytes_per_second_ != 0; }
    /// Waits until `bytes` may pass.
    void wait_for(size_t bytes);

  private:
    uint64_t bytes_per_second_;
    std::mutex mutex_;
    std::chrono::steady_clock::time_point free_at_ = {};
};

}  // namespace belay::backup
