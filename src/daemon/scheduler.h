#pragma once
// Serves the engine: calls step() for every operation that has work, in a thread that is there only as long
// as there is work, and again when the engine said.

#include "operation/engine.h"
#include "site/workers.h"

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>

namespace belay::daemon {

/// Threads: that of the loop, but for stuck(). The loop, the workers and the engine outlive it, and it is
/// destroyed when the workers are idle only.
class Scheduler {
  public:
    static constexpr Milliseconds first_pause = std::chrono::seconds(1);
    static constexpr Milliseconds longest_pause = std::chrono::seconds(60);
    static constexpr size_t most_at_once = 64;  ///< threads; further operations wait for one to end

    /// `changed` is called when an operation got stuck, or is no longer.
    Scheduler(site::Loop& loop, site::Workers& workers, operation::Engine& engine,
              std::function<void(const operation::Id&)> changed)
        : loop_(loop), workers_(workers), engine_(engine), changed_(std::move(changed))
    {
    }

    /// There may be work on this operation.
    void wake(const operation::Id& id);
    /// Begins no further step; those under way are finished.
    void stop();

    /// Why nothing goes on with an operation, though it should. Threads: any.
    std::optional<Error> stuck(const operation::Id& id) const;

  private:
    struct Task {
        bool running = false;
        bool again = false;  ///< it was woken while it ran
        std::optional<site::Loop::TimerId> due = {};
        Milliseconds pause{0};  ///< before the next attempt, after an error
    };

    void start(const operation::Id& id, Task& task);
    Result<operation::Next> work(const operation::Id& id);
    void worked(const operation::Id& id, const Result<operation::Next>& next);
    void come_again(const operation::Id& id, Task& task, Milliseconds boot);
    void note_stuck(const operation::Id& id, const std::optional<Error>& error);

    site::Loop& loop_;
    site::Workers& workers_;
    operation::Engine& engine_;
    std::function<void(const operation::Id&)> changed_;
    std::map<operation::Id, Task> tasks_;
    std::deque<operation::Id> waiting_;
    size_t running_ = 0;
    std::atomic<bool> stopping_ = false;
    mutable std::mutex stuck_mutex_;
    std::map<operation::Id, Error> stuck_;
};

}  // namespace belay::daemon
