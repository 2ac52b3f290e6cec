#pragma once
// partition.copy: the partition table of one disk on another.

#include "procedures/procedures.h"

namespace belay::procedures {

/// The same places, sizes, types and names with new ids; a table that the target has is kept for the way
/// back. Source: sfdisk(8); the hand-book's "Rozdeleni disku".
Procedure partition_copy();

}  // namespace belay::procedures
