#pragma once
// What there is of storage on a host, and how a person or a plan names it. Plain data, read by probe.h.

#include "base/result.h"
#include "base/units.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::storage {

/// What was recognised in a block device: a filesystem, a member of something, or nothing (type empty).
struct Content {
    std::string type;  ///< as blkid names it: "ext4", "linux_raid_member", "swap"
    std::string uuid;  ///< of a member of an md array: the array's, as mdadm writes it
    std::string label;
};

struct Partition {
    std::string name;  ///< the kernel's, as "sda1": good until the next boot at most
    uint64_t number = 0;
    uint64_t start = 0;  ///< in sectors of 512 bytes, whatever those of its disk are
    Bytes size;
    std::string type;  ///< GUID, or 0xfd
    std::string uuid;  ///< PARTUUID
    Content content;
};

struct Disk {
    std::string name;
    std::string by_id;  ///< the stable path, as "/dev/disk/by-id/ata-WDC_..."; empty: it has none
    std::vector<std::string> links;  ///< every path under /dev/disk/by-id that leads to it
    std::string model, serial, wwn;
    Bytes size;
    uint64_t logical_sector = 512;
    uint64_t physical_sector = 512;
    bool rotational = false;
    bool read_only = false;
    std::string table;     ///< "gpt", "dos", or empty
    std::string table_id;  ///< GUID or 0x12345678
    std::vector<Partition> partitions;
    Content content;  ///< where it is used without a table
};

struct Member {
    std::string device;  ///< kernel name
    std::string state;   ///< the kernel's: "in_sync", "spare", "faulty", "in_sync,write_mostly"
    std::optional<uint64_t> slot;

    bool in_sync() const { return state.starts_with("in_sync"); }
    bool faulty() const { return state.starts_with("faulty"); }
};

/// What md does to an array at the moment. Sectors of 512 bytes.
struct Sync {
    std::string action;  ///< "idle", "resync", "recover", "check", "reshape", "frozen"
    Sectors done, total;
    Bytes per_second;
};

struct Array {
    std::string name;   ///< "md0"
    std::string path;   ///< the stable one: "/dev/disk/by-id/md-uuid-..."
    std::string uuid;   ///< as mdadm writes it: four groups of eight, colons between
    std::string level;  ///< "raid1"
    std::string metadata;
    std::string state;  ///< array_state of sysfs: "clean", "active"
    uint64_t legs = 0;  ///< raid-devices
    uint64_t degraded = 0;
    Bytes member_size;   ///< that is used of each member
    std::string bitmap;  ///< where it is: "+8", "none"
    std::vector<Member> members;
    Sync sync;
    Bytes size;
    Content content;

    const Member* member(std::string_view device) const;
    uint64_t members_in_sync() const;
};

struct Mount {
    std::string device;  ///< kernel name, as "md0"; "[SWAP]" users have the path "[SWAP]"
    std::string path;
    std::string type;
    std::string options;  ///< "ro,relatime"

    bool is_read_only() const;
};

/// A block device that is none of the above (device-mapper, loop): shown, and left alone.
struct Other {
    std::string name;
    std::string type;  ///< as lsblk names it: "lvm", "crypt", "loop"
    Bytes size;
    Content content;
};

struct Inventory {
    std::vector<Disk> disks;
    std::vector<Array> arrays;
    std::vector<Other> others;
    std::vector<Mount> mounts;
    std::vector<std::pair<std::string, std::string>> holders;  ///< kernel names: (lower, what stands on it)

    /// A disk as a person may type it: serial, WWN, a path or name under /dev/disk/by-id, /dev/sda or sda.
    /// Errors: not_found, naming the disks there are; usage where two disks answer to it.
    Result<Disk> disk(std::string_view said) const;
    /// An array as a person may type it: md0, /dev/md0, its UUID, a path under /dev/disk/by-id or its name.
    /// Errors: not_found, naming the arrays there are; refused, where the array has no stable name.
    Result<Array> array(std::string_view said) const;
    const Array* array_named(std::string_view name) const;
    /// What stands on a device, directly: kernel names.
    std::vector<std::string> on(std::string_view device) const;
    std::vector<const Mount*> mounts_of(std::string_view device) const;
};

/// Two disks that nobody can tell apart: the same serial and the same WWN, and not both empty.
bool are_twins(const std::string& serial, const std::string& wwn, const std::string& other_serial,
               const std::string& other_wwn);

/// How a disk is shown: "LAB0001 (/dev/sda)".
std::string shown(const Disk& disk);

}  // namespace belay::storage
