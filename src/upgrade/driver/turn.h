#pragma once
// One verb at a time changes a member.

#include "base/result.h"
#include "base/units.h"
#include "host/descriptor.h"

#include <string_view>

namespace belay::upgrade::driver {

/// The lock of a member, to be inherited by the commands that are started (host/real.h): one that was killed
/// lets the next one in only when its last command has ended. Waits for it. Errors: busy, those of the
/// system.
Result<host::Descriptor> take_turn(std::string_view member, Milliseconds limit);

}  // namespace belay::upgrade::driver
