#pragma once
// Questions about one disk, named by a stable path and known by serial, WWN and size.

#include "operation/act.h"
#include "storage/model.h"

namespace belay::storage::disk {

/// The path still leads to the same disk: serial, WWN and size to the byte; and no other disk has that serial
/// and WWN.
operation::Question is(const Disk& disk);
/// Nothing is on it and nothing uses it: no table, no signature, no mount, no swap, no holder.
operation::Question unused(const Disk& disk);
operation::Question at_least(const Disk& disk, Bytes size, std::string for_what);
/// Its logical sectors are of so many bytes.
operation::Question sectors_of(const Disk& disk, uint64_t bytes);
/// The path leads to a partition or disk that is there now.
operation::Question there(const std::string& path);

void fill(operation::Catalogue& catalogue);

}  // namespace belay::storage::disk
