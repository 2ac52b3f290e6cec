#pragma once

#include "framework/configuration/object.h"
#include "site/members/registry.h"

namespace belay::daemon {

struct SiteServices;

/// A member with its presence, and whether somebody works on it, as docs/protocol.md has it.
Json view_of(const SiteServices& services, const framework::configuration::Configuration& configuration,
             const site::Member& member);

}  // namespace belay::daemon
