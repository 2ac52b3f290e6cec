#pragma once
// array.create and array.stop: how an array begins, and how it ends for a while.

#include "procedures/procedures.h"

namespace belay::procedures {

/// An array of devices that nothing uses, a missing one among them if it is to be joined later. Source:
/// mdadm(8), create mode; the hand-book's "RAID pomoci mdadm".
Procedure array_create();

/// An array that nothing uses is stopped, and assembled again by abort. Source: mdadm(8), --stop, --assemble.
Procedure array_stop();

}  // namespace belay::procedures
