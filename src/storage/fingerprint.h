#pragma once
// Some disks and arrays in canonical form, to prove that an abort left them as they were.

#include "operation/action.h"

namespace belay::storage {

/// Arrays by UUID: level, legs, size, bitmap, members with their place and state, what is on them, where that
/// is mounted. Disks by stable path: identity, table, and the digest of what is before the first partition
/// and behind the last, at most 64 KiB each. What changes by itself (event counters, the kernel's names,
/// whatever is written by those who use a disk) is left out.
operation::Question fingerprint_of(const std::vector<std::string>& array_uuids,
                                   const std::vector<std::string>& disk_paths);

void fill_fingerprint(operation::Catalogue& catalogue);

}  // namespace belay::storage
