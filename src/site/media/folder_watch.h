#pragma once
// Wakes those who wait for a change of a folder, all of them in one thread. The kernel says when there is
// one, whoever has made it on this machine: this server, or another program. Source: inotify(7).

#include "host/descriptor.h"
#include "site/loop.h"

#include <atomic>
#include <set>
#include <thread>

namespace belay::media {

/// Threads: any, but for the destructor.
class FolderWatch {
  public:
    enum class Woken : uint8_t {
        changed,
        time_is_over,
        hung_up,
        ending,  ///< stop() was called
    };
    class Waiter;

    /// Errors: those of the system.
    static Result<std::unique_ptr<FolderWatch>> open(size_t most_waiters);
    ~FolderWatch();
    FolderWatch(const FolderWatch&) = delete;
    FolderWatch& operator=(const FolderWatch&) = delete;

    /// From here on no change of what is in the folder is missed. The watch outlives the waiter. Nothing: as
    /// many wait as may, or the kernel watches no more folders, or stop() was called.
    std::unique_ptr<Waiter> enter(const host::Descriptor& folder);
    size_t waiters() const { return waiters_; }
    /// Wakes all who wait, at once; from here on nobody does.
    void stop();

  private:
    struct Entry;
    using Folders = std::map<int, std::set<std::shared_ptr<Entry>>>;

    explicit FolderWatch(size_t most_waiters) : most_waiters_(most_waiters) {}
    void leave(const std::shared_ptr<Entry>& entry);
    void arm(const std::shared_ptr<Entry>& entry);
    void wake(const std::shared_ptr<Entry>& entry, Woken why);
    void take_events();
    void end();

    const size_t most_waiters_;
    std::atomic<size_t> waiters_ = 0;
    std::mutex mutex_;
    bool stops_ = false;  ///< guarded by the mutex
    Folders folders_;     ///< by the kernel's number of the watch; guarded by the mutex
    host::Descriptor events_;
    std::unique_ptr<site::Loop> loop_;
    std::thread thread_;
};

/// One who waits. Destroyed when it is not waiting. Threads: one at a time.
class FolderWatch::Waiter {
  public:
    Waiter(FolderWatch& watch, std::shared_ptr<Entry> entry) : watch_(watch), entry_(std::move(entry)) {}
    ~Waiter();
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

    /// Calls `woken` once, in a thread that must not be kept waiting, perhaps before this returns: when the
    /// folder has changed since it was entered or since the last such call, when the boot clock is at
    /// `until`, and when the other side of `socket` hangs up, which nobody closes before.
    void wait(int socket, Milliseconds until, std::function<void()> woken);
    /// Why it was woken last.
    Woken why() const;

  private:
    FolderWatch& watch_;
    const std::shared_ptr<Entry> entry_;
};

}  // namespace belay::media
