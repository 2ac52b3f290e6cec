#include "site/media/jobs.h"

namespace belay::media {

Jobs::Jobs(size_t threads)
{
    for (size_t number = 0; number < threads; ++number) threads_.emplace_back([this] { work(); });
}

Jobs::~Jobs()
{
    {
        const std::lock_guard lock(mutex_);
        ends_ = true;
    }
    some_.notify_all();
    for (std::thread& thread : threads_) thread.join();
}

void Jobs::run(Job job)
{
    {
        const std::lock_guard lock(mutex_);
        queue_.push_back(std::move(job));
    }
    some_.notify_one();
}

size_t Jobs::waiting() const
{
    const std::lock_guard lock(mutex_);
    return queue_.size();
}

void Jobs::drain()
{
    std::unique_lock lock(mutex_);
    none_.wait(lock, [this] { return queue_.empty() && running_ == 0; });
}

void Jobs::work()
{
    std::unique_lock lock(mutex_);
    for (;;) {
        some_.wait(lock, [this] { return ends_ || !queue_.empty(); });
        if (queue_.empty()) return;
        {
            const Job job = std::move(queue_.front());
            queue_.pop_front();
            ++running_;
            lock.unlock();
            job();
        }
        lock.lock();
        --running_;
        if (queue_.empty() && running_ == 0) none_.notify_all();
    }
}

}  // namespace belay::media
