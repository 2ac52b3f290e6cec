#pragma once
// A TCP connection with a limit.

#include "base/result.h"
#include "base/units.h"
#include "host/descriptor.h"

#include <cstdint>
#include <string>

namespace belay::host::ssh {

/// Connects to the first address of the name that answers. It does not block, and breaks by itself when the
/// other side has not been heard of for half a minute. Errors: unavailable (no such name, nobody there),
/// timeout, io. Threads: any.
Result<Descriptor> connect_to(const std::string& address, uint16_t port, Milliseconds limit);

}  // namespace belay::host::ssh
