#pragma once
// What the alarms of a site are told of this host: its messages whose ids a condition names, why none can be
// kept here, and that something about its storage has moved. The controller asks (HostEvents,
// docs/protocol.md) and is answered when there is something new, so nobody asks in vain.

#include "base/units.h"
#include "site/method.h"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace belay::daemon {

/// Threads: any.
class HostEvents {
  public:
    static constexpr uint64_t most_at_once = 1000;
    static constexpr Milliseconds longest_wait = std::chrono::minutes(5);

    /// `search`: as Messages of belay-messages, of those that conditions name. `run`: of this daemon, told
    /// apart from others of this host.
    HostEvents(std::function<Result<Json>(const Json& query)> search, std::string run)
        : search_(std::move(search)), run_(std::move(run))
    {
    }

    /// There may be more messages. `problem`: why none can be kept now. Whether it is another one than
    /// before.
    bool messages_moved(const std::optional<std::string>& problem);
    void storage_moved();
    /// Why no message can be kept now.
    std::optional<std::string> problem() const;
    /// Nobody waits any more.
    void stop();

    /// {"messages", "next", "problem", "storage"}, as they are now: of what is asked for with "after" and
    /// "since_ms" the first thousand, and where to go on: null, where nothing could be looked at. Errors:
    /// usage, corrupt.
    Result<Json> look(const Json& parameters) const;
    std::vector<site::Method> methods();

  private:
    Result<Json> await_news(Json parameters) const;

    const std::function<Result<Json>(const Json& query)> search_;
    const std::string run_;
    mutable std::mutex mutex_;
    mutable std::condition_variable moved_;
    uint64_t moves_ = 0, storage_moves_ = 0;
    std::optional<std::string> problem_;
    bool stopping_ = false;
};

}  // namespace belay::daemon
