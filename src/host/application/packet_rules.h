#pragma once
// Rules of the kernel's packet filter, in the words of nft(8). libnftables is loaded when they are first
// needed: a supervisor that never needs them does not pay for it.

#include "base/result.h"

#include <string>

namespace belay::host {

/// Runs commands as `nft -f` would: all of them or none. For root alone. Errors: not_found (no libnftables),
/// refused, with what nft says. Threads: any, one at a time.
Result<void> set_packet_rules(const std::string& commands);

}  // namespace belay::host
