#include "backup/backend/retries.h"

#include <random>
#include <thread>

namespace belay::backup {
namespace {

/// Many clients that lost the same server do not come back at the same instant.
double around_one()
{
    thread_local std::minstd_rand random(std::random_device{}());
    return std::uniform_real_distribution(0.5, 1.5)(random);
}

}  // namespace

bool Retries::again(const Error& error)
{
    using std::chrono::milliseconds;
    if (error.kind != ErrorKind::unavailable) return false;
    const auto now = std::chrono::steady_clock::now();
    if (first_failure_ == decltype(first_failure_){}) first_failure_ = now;
    const auto pause = std::max(std::chrono::duration_cast<milliseconds>(next_pause_ * around_one()),
                                milliseconds(std::exchange(asked_pause_, std::chrono::seconds(0))));
    if (now + pause > first_failure_ + options_.gives_up_after) return false;
    if (options_.tells) options_.tells(error, pause);
    std::this_thread::sleep_for(pause);
    next_pause_ = std::min(next_pause_ * 1.5, decltype(next_pause_)(options_.longest_pause));
    return true;
}

}  // namespace belay::backup
