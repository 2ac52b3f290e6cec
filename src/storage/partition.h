#pragma once
// Partition tables: copying one to another disk with new identities, by sfdisk.
// Source: sfdisk(8); the hand-book's "Rozdeleni disku" (copy of a table, new ids, all PARTUUIDs different).

#include "operation/act.h"
#include "storage/listing.h"
#include "storage/model.h"

namespace belay::storage::partition {

/// `table` for another disk: the same places, sizes, types and names; new disk id and PARTUUIDs out of
/// `random`, of which 16 bytes a partition and 16 more are used. Errors: usage (a table that is neither GPT
/// nor MBR).
Result<PartitionTable> with_new_ids(const PartitionTable& table, std::string_view random);

/// The same places in sectors of `sector_size` bytes, which those of `table` are a multiple of: for a disk
/// with smaller sectors. The other way is not possible for every table.
PartitionTable in_sectors_of(const PartitionTable& table, uint64_t sector_size);

/// The stable path of a partition once its table is written and udev has seen it.
std::string path_of(const PartitionTable::Entry& entry);

/// The bytes that a disk must have to hold the table, its GPT copy at the end included.
Bytes room_for(const PartitionTable& table);

/// Writes a table on a disk that has none. Back: the first and the last 64 KiB of the disk are again what
/// they were.
operation::Act write_table(const Disk& disk, const PartitionTable& table);

void fill(operation::Catalogue& catalogue);

}  // namespace belay::storage::partition
