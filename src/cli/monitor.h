#pragma once
// belay storage monitor and belay storage ports.

#include "cli/console.h"
#include "cli/invocation.h"
#include "cli/style.h"
#include "site/client.h"

namespace belay::cli {

/// Shows the alarms that were raised, raises one of nothing (--test), or shows each as it comes (--follow)
/// until a signal. The exit code. Errors: those of the daemon.
Result<int> monitor_command(const Invocation& asked, Console& console, const Style& style,
                            site::Client& client);

/// Lines for the answer of Alarms: what is watched, then the alarms, newest last.
std::string alarms_text(const Style& style, const Json& answer);
/// One alarm: "2025-02-08 09:28:32  critical  md0 is degraded: ...".
std::string alarm_line(const Style& style, const Json& alarm);

/// A table for the answer of StoragePorts.
std::string ports_text(const Style& style, const Json& answer);

}  // namespace belay::cli
