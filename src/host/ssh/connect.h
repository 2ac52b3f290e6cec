#pragma once
// A TCP connection with a limit.

#include "base/result.h"
#include "base/units.h"
#include "host/descriptor.h"

#include <cstdint>
#include <string>

struct addrinfo;  // the system's, NOLINT(readability-identifier-naming)

namespace belay::host::ssh {

/// Connects to the first address of the name that answers. What is given back does not block, and breaks by
/// itself when the other side has not been heard of for half a minute. `limit`: without the time that the
/// system takes to find the addresses. Errors: unavailable (no such name, nobody there), timeout.
/// Threads: any.
Result<Descriptor> connect_to(const std::string& address, uint16_t port, Milliseconds limit);

/// The same with addresses that are known. Each has its share of the time, so that one that swallows
/// everything leaves some to the next. The sentence of an error does not name them.
Result<Descriptor> connect_to_one_of(const addrinfo& first, Milliseconds limit);

}  // namespace belay::host::ssh
