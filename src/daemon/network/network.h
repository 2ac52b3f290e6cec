#pragma once
// A daemon's place in a site: what it does on the network, as a controller or as a member.
//
// The daemon of a machine that runs alone has none. What is here and in its sources is linked into
// `belayd-site` only, since the libraries of the network cost a daemon that is alone ten times its memory;
// belayd becomes that program by itself where its machine has a place in a site.

#include "daemon/place.h"

namespace belay::daemon {

/// What belayd-site has beyond belayd.
SiteParts site_parts();

}  // namespace belay::daemon
