#pragma once
// What is started when its host is: a unit of systemd, and this daemon with the members that it starts.

#include "operation/action.h"

namespace belay::upgrade {

/// Of a unit of systemd, in the words of systemctl(1), is-enabled; empty: it is none that is known. Errors:
/// those of the host.
Result<std::string> boot_state_of(host::Host& host, const std::string& unit);
/// Whether a unit of this state is started after a power cut.
bool is_started_at_boot(std::string_view state);

/// Who has started this daemon.
enum class StartedBy { somebody, systemd };

/// Whether its unit is enabled. Where there is no systemd, or no unit of it has started this daemon, nobody
/// can tell: that is said, and passes. Errors: those of the host.
Result<operation::Finding> starts_with_host(host::Host& host, StartedBy started_by);

}  // namespace belay::upgrade
