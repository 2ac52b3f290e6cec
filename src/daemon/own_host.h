#pragma once
// HostShow: this machine as a host, and what its applications and its load are (docs/protocol.md). A
// controller answers it for the other hosts of its site too, by asking them.

#include "daemon/services.h"

namespace belay::daemon {

/// What this machine is called in the configuration, or what it calls itself.
std::string own_name(const Applications& applications);

/// {"name", "host_name", "version", "maintenance", "load", "applications"}; with `summary` the load without
/// processes, and no applications. Where the load cannot be told "load" is null, and "problem" says why.
/// Takes a quarter of a second where nobody has asked before. Threads: any.
Json own_host(Applications& applications, HostLoad& load, bool summary);

/// HostShow, for this machine alone.
std::vector<site::Method> own_host_methods(const Services& services);

}  // namespace belay::daemon
