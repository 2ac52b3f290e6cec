#pragma once
// A disk or a partition, as a person may type it and as a plan names it.

#include "storage/model.h"

namespace belay::storage {

struct Device {
    std::string name;  ///< the kernel's, as "sda1": good until the next boot at most
    std::string path;  ///< the stable one: /dev/disk/by-id/... of a disk, /dev/disk/by-partuuid/... else
    Bytes size;
    Disk disk;  ///< that it is, or lies on
    bool is_whole_disk = false;
};

/// By a disk's names (Inventory::disk), a kernel name, a PARTUUID, or a path under /dev/disk/by-partuuid or
/// /dev/disk/by-id with -partN. Errors: not_found; usage where two answer to it; refused where it has no
/// stable name.
Result<Device> device_named(const Inventory& host, std::string_view said);

/// The disk, named by a path that lasts. Errors: those of Inventory::disk; refused where it has none.
Result<Disk> lasting_disk(const Inventory& host, std::string_view said);

/// How it is shown: "LAB0001 (/dev/sda)", "/dev/sda1 of LAB0001 (/dev/sda)".
std::string shown(const Device& device);

}  // namespace belay::storage
