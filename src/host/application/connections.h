#pragma once
// TCP connections of this host to one of its addresses (sock_diag(7)).

#include "base/result.h"

#include <cstddef>
#include <string>

namespace belay::host {

struct Connections {
    size_t open = 0;       ///< that either side may still say something by
    size_t untaken = 0;    ///< of those: no program has accepted them yet
    size_t unsettled = 0;  ///< of those that were accepted: what we have sent has not arrived
};

/// "192.0.2.7", "2001:db8::7". Those that only wait for the other side's end are left out. Errors: those of
/// the system. Threads: any.
Result<Connections> connections_at(const std::string& address);

/// Ends all of them, so that both sides learn it; where the kernel does not do that, nothing happens.
void end_connections_at(const std::string& address);

}  // namespace belay::host
