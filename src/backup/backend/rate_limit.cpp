#include "backup/backend/rate_limit.h"

#include <algorithm>
#include <thread>

namespace belay::backup {

void RateLimit::wait_for(size_t bytes)
{
    if (!is_limited()) return;
    using std::chrono::steady_clock;
    const std::chrono::duration<double> takes(static_cast<double>(bytes) /
                                              static_cast<double>(bytes_per_second_));
    steady_clock::time_point until;
    {
        const std::lock_guard lock(mutex_);
        free_at_ = std::max(free_at_, steady_clock::now()) +
                   std::chrono::duration_cast<steady_clock::duration>(takes);
        until = free_at_;
    }
    std::this_thread::sleep_until(until);
}

}  // namespace belay::backup
