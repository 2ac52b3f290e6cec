#pragma once
// Addresses at which a server listens: HOST:PORT, [V6]:PORT, :PORT for all.

#include "base/result.h"
#include "host/descriptor.h"

#include <string>
#include <vector>

namespace belay::media {

/// Bound and listening; "[::]:PORT" takes both versions of IP. Errors: usage (no HOST:PORT), not_found (no
/// such host), those of the system.
Result<host::Descriptor> listen_at_address(const std::string& address);
/// HOST:PORT as it came out, the port above all. Errors: those of the system.
Result<std::string> address_of(const host::Descriptor& listener);
/// The part before the port, without brackets.
std::string host_of(const std::string& address);
bool is_loopback(const std::string& host);
/// Those of this machine's network interfaces, but for those that hold on one link alone.
std::vector<std::string> addresses_of_host();

}  // namespace belay::media
