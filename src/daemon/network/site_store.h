#pragma once

#include "daemon/place.h"

namespace belay::daemon {

/// Errors: usage (the address, the files), unavailable, permission.
Result<std::unique_ptr<store::Store>> open_site_store(const SiteStoreAddress& address);

}  // namespace belay::daemon
