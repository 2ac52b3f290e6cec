#pragma once
// Threads that work off what is to be done, the nearest to its end first, so that little is ever half done.

#include <array>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace belay::backup {

/// In the order in which they are taken: the next piece of a file is read before somebody waits for it, a
/// chunk in memory is stored before another file is opened, and the files of a folder before another folder
/// is listed. That is what bounds memory.
enum class Urgency : uint8_t { piece, chunk, file, folder };

/// As many threads as asked for; 0: as there are processors.
size_t threads_or_all(size_t threads);

/// Threads: any for add(); the others by its owner.
class Workers {
  public:
    using Task = std::function<void()>;

    explicit Workers(size_t threads);
    /// Waits for what is under way; what has not begun is dropped.
    ~Workers();
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;

    /// Queues a task. A task may add others.
    void add(Urgency urgency, Task task);
    /// How many of this kind wait. Who would add many does some of the work itself where it is much.
    size_t waiting(Urgency urgency) const;
    /// Returns when nothing waits and nothing is under way.
    void wait_until_idle();

  private:
    void work();
    bool is_empty() const;

    mutable std::mutex mutex_;
    std::condition_variable something_;
    std::condition_variable idle_;
    std::array<std::deque<Task>, 4> queues_;
    size_t under_way_ = 0;
    bool ends_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace belay::backup
