#pragma once
// How much of its members an array uses. Source: mdadm(8), --grow --size.

#include "operation/act.h"
#include "storage/model.h"

namespace belay::storage::md {

/// What the smallest of the members that serve has room for, behind md's own data. Errors: those of the host.
Result<Bytes> room_of_members(host::Host& host, const Array& array);

/// Makes an array use all the room that its members have. No way back here: what stands on it may use the
/// room at once.
operation::Act grow_size(const Array& array);

/// It uses more of its members than `array` does now.
operation::Question larger_than(const Array& array);
/// Every member that serves has more room than the array uses now.
operation::Question has_room(const Array& array);

void fill_size(operation::Catalogue& catalogue);

}  // namespace belay::storage::md
