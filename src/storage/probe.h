#pragma once
// Reads what there is: the whole inventory, or one fact for an action that must know it now. Everything goes
// through the Host; nothing is cached and nothing is changed.

#include "host/host.h"
#include "storage/listing.h"
#include "storage/model.h"

namespace belay::storage {

/// Waits until udev has caught up, then reads all disks, partitions, arrays, mounts. Errors: those of the
/// host and of the parsers.
Result<Inventory> read_inventory(host::Host& host);

/// The kernel name of the block device that a stable path leads to now: "/dev/disk/by-id/..." to "sda".
/// Errors: not_found.
Result<std::string> device_at(host::Host& host, std::string_view path);
/// The same, but nothing where the path leads nowhere.
Result<std::optional<std::string>> device_if_there(host::Host& host, std::string_view path);

/// The number that the kernel tells in a file of sysfs. Errors: corrupt, where it is none.
Result<uint64_t> read_number(host::Host& host, const std::string& path);

/// The array of that UUID as sysfs shows it now. Errors: not_found.
Result<Array> read_array(host::Host& host, std::string_view uuid);

/// What blkid finds in the device itself, not in a cache. Nothing recognised: an empty Content. Errors:
/// failed, corrupt (blkid finds two different things). The UUID of a member of an array is the array's, as
/// mdadm writes it.
Result<Content> read_content(host::Host& host, std::string_view path);

/// The table on a disk; nothing where there is none.
Result<std::optional<PartitionTable>> read_table(host::Host& host, std::string_view disk_path);

}  // namespace belay::storage
