#pragma once
// The load of the hosts of a site, as the controller has heard it last. Hosts are asked when somebody looks,
// and not before.

#include "base/json.h"
#include "site/remote/controller/hub.h"

#include <memory>

namespace belay::daemon {

/// Threads: any.
class HostLoads {
  public:
    /// `changed`: one was heard.
    explicit HostLoads(std::function<void()> changed);

    /// Asks those that are attached, but for those that are asked already or were heard a moment ago.
    void ask(site::Hub& hub);
    /// Until those that were asked have answered, two seconds at most.
    void await() const;
    /// As load_between() without processes; null: it is not attached, or was not heard yet.
    Json of(const std::string& member) const;

  private:
    struct Heard;
    const std::shared_ptr<Heard> heard_;
};

}  // namespace belay::daemon
