#pragma once
// The one thread in which a daemon waits: for sockets, for a time, and for what other threads hand it. It
// sleeps in the kernel until one of these comes, so a daemon without work never wakes up.

#include "base/result.h"
#include "base/units.h"
#include "host/descriptor.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace belay::site {

/// Milliseconds since the boot, sleep included.
Milliseconds boot_now();

/// Threads: the one that runs it, but for post(). All callbacks are called in that thread.
class Loop {
  public:
    using Callback = std::function<void()>;
    using Ready = std::function<void(uint32_t events)>;
    using WatchId = uint64_t;
    using TimerId = std::pair<Milliseconds, uint64_t>;

    /// Errors: those of the system.
    static Result<std::unique_ptr<Loop>> open();

    /// Calls `ready` whenever epoll sees one of `events` (level-triggered). The descriptor is not owned and
    /// outlives the watch.
    Result<WatchId> watch(int descriptor, uint32_t events, Ready ready);
    void change(WatchId watch, uint32_t events);
    void forget(WatchId watch);

    /// Calls once at a time of the boot clock, at once where that has passed.
    TimerId at(Milliseconds boot, Callback callback);
    void cancel(TimerId timer);

    /// Calls soon. Threads: any.
    void post(Callback callback);

    /// Until stop(). Errors: those of epoll.
    Result<void> run();
    void stop() { stopped_ = true; }

  private:
    Loop() = default;
    Result<void> wait_once();
    void run_posted();
    void run_due();
    void arm();

    struct Watched {
        int descriptor;
        std::shared_ptr<Ready> ready;
    };

    host::Descriptor epoll_, wake_, clock_;
    std::map<WatchId, Watched> watched_;
    uint64_t last_id_ = 0;
    std::map<TimerId, Callback> timers_;
    Milliseconds armed_{0};  ///< what the kernel's timer is set to; 0: nothing
    bool stopped_ = false;
    std::mutex posted_mutex_;
    std::vector<Callback> posted_;
};

}  // namespace belay::site
