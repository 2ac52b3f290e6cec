#pragma once
// Threads for what may wait for a disk or takes a processor for long, so that those that serve connections
// never do.

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace belay::media {

/// Threads: any, but for drain() and the destructor.
class Jobs {
  public:
    using Job = std::function<void()>;

    explicit Jobs(size_t threads);
    ~Jobs();
    Jobs(const Jobs&) = delete;
    Jobs& operator=(const Jobs&) = delete;

    /// In the order in which they come.
    void run(Job job);
    /// So many wait for a thread.
    size_t waiting() const;
    /// Until all are done that have come, and those that they have given.
    void drain();

  private:
    void work();

    mutable std::mutex mutex_;
    std::condition_variable some_, none_;
    std::deque<Job> queue_;
    size_t running_ = 0;
    bool ends_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace belay::media
