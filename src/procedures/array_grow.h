#pragma once
// Grow an array, and what stands on it, onto larger disks.

#include "procedures/procedures.h"

namespace belay::procedures {

Procedure array_grow();

}  // namespace belay::procedures
