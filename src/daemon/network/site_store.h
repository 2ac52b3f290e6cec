#pragma once

#include "daemon/place.h"

#include <functional>

namespace belay::daemon {

using OpenSiteStore = std::function<Result<std::unique_ptr<store::Store>>(const SiteStoreAddress&)>;

/// Errors: usage (the address, the files), unavailable, permission.
Result<std::unique_ptr<store::Store>> open_site_store(const SiteStoreAddress& address);

}  // namespace belay::daemon
