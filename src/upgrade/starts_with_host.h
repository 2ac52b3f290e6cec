#pragma once
// Whether this daemon is started when its host is, and with it the members that it starts.

#include "operation/action.h"

namespace belay::upgrade {

/// Who has started this daemon.
enum class StartedBy { somebody, systemd };

/// Whether its unit is enabled. Where there is no systemd, or no unit of it has started this daemon, nobody
/// can tell: that is said, and passes. Errors: those of the host.
Result<operation::Finding> starts_with_host(host::Host& host, StartedBy started_by);

}  // namespace belay::upgrade
