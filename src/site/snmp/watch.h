#pragma once
// Follows belayd: it tells of each change by itself, so that whoever asks for the picture never waits for it.

#include "site/log.h"
#include "site/snmp/changes.h"
#include "site/snmp/picture.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace belay::site::snmp {

/// Threads: any.
class Watch {
  public:
    struct Options {
        std::string socket;  ///< of belayd
        Oid arc;
        /// Called in threads of its own when there are notifications.
        std::function<void()> notified;
    };

    /// Begins.
    Watch(Options options, std::shared_ptr<Log> log);
    /// A thread that waits for a daemon that hangs cannot be ended, and is left behind with what it works on.
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    /// What was told last; without anything but that, where belayd is away, or has told nothing for 15 s.
    std::shared_ptr<const Picture> picture() const;
    /// Those that came since, oldest first. Of more than a thousand the oldest are lost, and the log says so.
    std::vector<Notification> take_notifications();

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace belay::site::snmp
