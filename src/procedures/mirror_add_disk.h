#pragma once

#include "procedures/procedures.h"

namespace belay::procedures {

/// A disk joins one that serves alone: its arrays become mirrors, and both disks start the host.
Procedure mirror_add_disk();

}  // namespace belay::procedures
