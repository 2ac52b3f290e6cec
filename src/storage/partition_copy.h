#pragma once
// A partition table on a disk of another kind: other sectors, another size; and what must hold of the ids.

#include "operation/act.h"
#include "storage/listing.h"
#include "storage/model.h"

namespace belay::storage::partition {

/// The same places in bytes, in sectors of `sector` bytes. Errors: refused, naming the partition: it does not
/// begin or end at such a sector, lies where the other table wants to be, or beyond what an MBR can count.
Result<PartitionTable> in_sectors_of(const PartitionTable& table, uint64_t sector);

/// What a copy cannot carry over: logical partitions (their chain lies between the partitions, beyond what is
/// kept for the way back), more than 128 partitions. Errors: refused.
Result<void> can_be_copied(const PartitionTable& table, const std::string& shown);

/// An MBR counts 2^32 sectors: beyond, a disk wants a GPT. Errors: refused.
Result<void> reaches_the_end(const PartitionTable& table, const Disk& disk);

/// Nothing uses the disk, there is nothing on the disk as a whole, and where the table's partitions will be
/// there is nothing that would start by itself when they appear (a member of an array, of a volume group or
/// of a pool). A filesystem there is warned of: no table will lead to it, or a new partition will hold it.
operation::Question is_free_for(const Disk& disk, const PartitionTable& table);

/// No two partitions of this host have the same PARTUUID, those of `except` left out (empty: none). Two paths
/// to one disk, by its serial number, count as one.
operation::Question ids_are_unique(const std::string& except);

void fill_copy(operation::Catalogue& catalogue);

}  // namespace belay::storage::partition
