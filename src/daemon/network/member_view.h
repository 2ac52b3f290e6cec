#pragma once

#include "site/members/registry.h"
#include "site/remote/controller/hub.h"

namespace belay::daemon {

/// A member with its presence, as docs/protocol.md has it.
Json view_of(const site::Member& member, const site::Hub& hub);

}  // namespace belay::daemon
