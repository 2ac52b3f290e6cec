#pragma once
// Make an ext filesystem smaller, and the logical volume under it.

#include "procedures/procedures.h"

namespace belay::procedures {

Procedure filesystem_shrink();

}  // namespace belay::procedures
