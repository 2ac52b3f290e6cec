#include "daemon/host_load.h"

#include "site/loop.h"

#include <thread>

namespace belay::daemon {
namespace {

constexpr Milliseconds between_samples = std::chrono::milliseconds(250);
constexpr Milliseconds same_answer_for = std::chrono::seconds(1);
/// After that a share would be one of long ago.
constexpr Milliseconds goes_on_for = std::chrono::seconds(10);

bool has_processes(const host::load::Sample& sample)
{
    return !sample.processes.empty();
}

}  // namespace

Result<Json> HostLoad::look(bool processes, const host::load::Watched& watched)
{
    using host::load::Sample;
    using host::load::take_sample;
    const std::lock_guard lock(mutex_);
    const Milliseconds now = site::boot_now();
    const bool is_of_use = last_ && now - last_->boot < goes_on_for && (!processes || has_processes(*last_));
    const bool is_answered = is_of_use && !answer_.is_null() && now - last_->boot < same_answer_for &&
                             (!processes || !answer_.at("processes").is_null());
    if (is_answered) return answer_;
    if (!is_of_use) {
        answer_ = Json();
        last_ = TRY(take_sample(processes));
        std::this_thread::sleep_for(between_samples);
    }
    // Who follows them all goes on having them, whoever asks for less in between.
    Sample sample = TRY(take_sample(processes || has_processes(*last_)));
    answer_ = load_between(*last_, sample, watched);
    last_ = std::move(sample);
    return answer_;
}

}  // namespace belay::daemon
