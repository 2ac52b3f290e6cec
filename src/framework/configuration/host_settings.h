#pragma once
// What the configuration says of how Belay's own daemon works on a host.

#include "base/units.h"
#include "framework/configuration/object.h"

#include <optional>

namespace belay::framework::configuration {

/// Nothing: not said, or there is no such host.
struct HostSettings {
    std::optional<Milliseconds> heartbeat_interval, heartbeat_timeout;
    std::string log;  ///< the name of a level; may be empty
    /// After how long without its agent the host counts as lost; always there.
    Milliseconds lost_after = std::chrono::seconds(30);
    bool maintenance = false;  ///< somebody works on it
};

HostSettings settings_of_host(const Configuration& configuration, std::string_view host);

}  // namespace belay::framework::configuration
