#pragma once

#include "base/json.h"
#include "site/members/registry.h"

namespace belay::daemon {

struct SiteServices;

/// A member with its presence, and whether somebody works on it, as docs/protocol.md has it.
Json view_of(const SiteServices& services, const site::Member& member);

}  // namespace belay::daemon
