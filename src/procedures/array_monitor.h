#pragma once
// array.monitor: arrays as a gate of any operation, and as something that the daemon watches.

#include "procedures/procedures.h"

namespace belay::procedures {

/// "array:md0": the array keeps its members through the soak.
GateKind array_gate();

/// The arrays of the host, by the kernel's own word on /proc/mdstat. Source: the hand-book's "mdadm
/// --monitor"; md(4).
Watched watched_arrays();

}  // namespace belay::procedures
