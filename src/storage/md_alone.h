#pragma once
// Mirrors that are none yet: one member, because they were made with one, or because the other is missing.

#include "operation/act.h"
#include "storage/model.h"

namespace belay::storage::md {

/// The one member of a mirror of one, in sync; null where there are others, or where it is not that.
const Member* only_member(const Array& array);

/// Exactly one member is there, in sync, and md is idle; raid-devices is what it was.
operation::Question stands_alone(const Array& array);

void fill_alone(operation::Catalogue& catalogue);

}  // namespace belay::storage::md
