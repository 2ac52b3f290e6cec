#pragma once
// sfdisk's scripts, as far as Belay and the tests write them.

#include "storage/listing.h"

namespace belay::simulated {

/// The table that sfdisk would make of a script on a disk of so many sectors. Errors: usage, with what sfdisk
/// would complain of: something unknown, a partition outside of the usable sectors or over another.
Result<storage::PartitionTable> table_of_script(std::string_view script, uint64_t sectors,
                                                uint64_t sector_size);

}  // namespace belay::simulated
