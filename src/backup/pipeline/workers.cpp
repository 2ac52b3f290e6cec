#include "backup/pipeline/workers.h"

#include <algorithm>

namespace belay::backup {

size_t threads_or_all(size_t threads)
{
    return threads != 0 ? threads : std::max(1U, std::thread::hardware_concurrency());
}

Workers::Workers(size_t threads)
{
    for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

Workers::~Workers()
{
    {
        const std::lock_guard lock(mutex_);
        ends_ = true;
    }
    something_.notify_all();
    for (std::thread& thread : threads_) thread.join();
}

bool Workers::is_empty() const
{
    return std::ranges::all_of(queues_, [](const auto& queue) { return queue.empty(); });
}

void Workers::add(Urgency urgency, Task task)
{
    {
        const std::lock_guard lock(mutex_);
        queues_[static_cast<size_t>(urgency)].push_back(std::move(task));
    }
    something_.notify_one();
}

size_t Workers::waiting(Urgency urgency) const
{
    const std::lock_guard lock(mutex_);
    return queues_[static_cast<size_t>(urgency)].size();
}

void Workers::wait_until_idle()
{
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [&] { return under_way_ == 0 && is_empty(); });
}

void Workers::work()
{
    std::unique_lock lock(mutex_);
    for (;;) {
        something_.wait(lock, [&] { return ends_ || !is_empty(); });
        if (ends_) return;
        auto& queue = *std::ranges::find_if(queues_, [](const auto& one) { return !one.empty(); });
        // Folders deepest first, as a walk goes; files and chunks in their order.
        const bool newest = &queue == &queues_[static_cast<size_t>(Urgency::folder)];
        Task task = std::move(newest ? queue.back() : queue.front());
        newest ? queue.pop_back() : queue.pop_front();
        ++under_way_;
        lock.unlock();
        task();
        task = nullptr;
        lock.lock();
        --under_way_;
        if (under_way_ == 0 && is_empty()) idle_.notify_all();
    }
}

}  // namespace belay::backup
