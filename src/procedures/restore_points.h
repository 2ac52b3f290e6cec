#pragma once
// Every procedure that writes to block devices keeps a restore point first. What of which devices follows
// from what its plan locks, and from what stands on that; the plan says it piece by piece.

#include "procedures/procedures.h"

namespace belay::procedures {

/// The same procedure, whose plans begin with a restore point of the disks ("disk:PATH"), arrays ("md:UUID")
/// and volume groups ("lvm:NAME") that they lock. A disk that the plan does not compare after an abort may be
/// gone by then.
Procedure with_restore_point(Procedure procedure);

}  // namespace belay::procedures
