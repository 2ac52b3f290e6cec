#pragma once
#include "procedures/procedures.h"

namespace belay::procedures {

/// StorageShow, StorageHealth, StorageRecord.
std::vector<View> storage_views();

}  // namespace belay::procedures
