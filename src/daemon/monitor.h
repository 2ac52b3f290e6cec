#pragma once
// Watches what the parts say is to be watched: waits for the kernel's word, looks, raises alarms, tells of
// them. Without news it never wakes up.

#include "daemon/alarms.h"
#include "host/awaited_file.h"
#include "host/host.h"
#include "site/workers.h"

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>

namespace belay::daemon {

/// Threads: that of the loop, but for test(), try_again() and is_watching(). All that is handed over outlives
/// it, and it is destroyed when the workers are idle only.
class Monitor {
  public:
    struct Options {
        std::string command;  ///< told of each alarm: EVENT DEVICE MEMBER TEXT; empty: none
        std::function<void(const RaisedAlarm&)> told = {};  ///< called in any thread for each alarm
        std::function<void()> raised = {};  ///< called in any thread when there is a new alarm
    };

    Monitor(site::Loop& loop, site::Workers& workers, store::Store& store, host::Host& host,
            const procedures::Watched& watched, Options options)
        : loop_(loop),
          workers_(workers),
          alarms_(store),
          host_(host),
          watched_(watched),
          options_(std::move(options))
    {
    }

    /// Begins to watch, and looks at once: what happened while no daemon ran is found now. Where there is
    /// nothing to watch yet (the kernel's md is not loaded), it is for try_again().
    void start();
    /// Begins to watch where that was not possible before.
    void try_again();
    void stop() { stopping_ = true; }

    /// Whether the kernel tells us of changes.
    bool is_watching() const { return watching_; }
    const Alarms& alarms() const { return alarms_; }

    /// Raises an alarm of nothing and tells of it. Threads: any. Errors: those of the store.
    Result<void> test();

  private:
    void look();
    Result<void> look_and_tell();
    Result<void> tell();
    void tell_command(const RaisedAlarm& raised);

    site::Loop& loop_;
    site::Workers& workers_;
    Alarms alarms_;
    host::Host& host_;
    const procedures::Watched& watched_;
    Options options_;
    std::optional<host::AwaitedFile> file_;
    std::atomic<bool> watching_ = false;
    bool looking_ = false;
    bool again_ = false;  ///< there was news while it looked
    bool stopping_ = false;
    std::mutex telling_;
};

}  // namespace belay::daemon
