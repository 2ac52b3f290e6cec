#pragma once
// A daemon's place in a site: what it does on the network, as a controller or as a member.
//
// The daemon of a machine that runs alone has none. What is here and in its sources is linked into
// `belayd-site` only, since the libraries of the network cost a daemon that is alone ten times its memory;
// belayd becomes that program by itself where its machine has a place in a site.

#include "daemon/network/site_store.h"

namespace belay::daemon {

/// What belayd-site has beyond belayd. `open_store`: of a site that has a store of its own.
SiteParts site_parts(OpenSiteStore open_store = open_site_store);

}  // namespace belay::daemon
