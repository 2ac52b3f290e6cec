#pragma once
// Threads for what may take long, each there only as long as its work.

#include "base/result.h"
#include "site/loop.h"

#include <functional>
#include <map>
#include <thread>

namespace belay::site {

/// Threads: that of the loop. Is destroyed when idle() only.
class Workers {
  public:
    using Job = std::function<Loop::Callback()>;

    explicit Workers(Loop& loop) : loop_(loop) {}
    ~Workers();
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;

    /// Runs the job in a thread of its own, and then what it returned in the loop's. Errors: unavailable,
    /// where the system gives no thread; the job is not run then.
    Result<void> run(Job job);

    bool idle() const { return threads_.empty(); }
    /// Called in the loop's thread whenever the last job has ended; one at a time.
    void when_idle(Loop::Callback callback) { when_idle_ = std::move(callback); }

  private:
    Loop& loop_;
    std::map<uint64_t, std::thread> threads_;
    uint64_t last_id_ = 0;
    Loop::Callback when_idle_;
};

}  // namespace belay::site
