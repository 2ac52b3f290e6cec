#pragma once
// Small machines with arrays, on which disk.replace is tried: two or more disks that serve, one that is to
// join.

#include "simulated_storage.h"

#include <memory>
#include <string>
#include <vector>

namespace belay::simulated {

struct Shape {
    std::string name = {};
    std::string label = "gpt";               ///< "gpt", "dos", or empty: whole disks as members
    std::vector<uint64_t> partitions = {1};  ///< their numbers; a mirror stands on each
    uint64_t logical_sector = 512;
    Bytes serving = {192 << 10};
    Bytes joining = {192 << 10};
    std::string level = "1";
    size_t disks = 2;  ///< that are members
    /// What has become of the disk that is to leave.
    enum class Leaving { serves, failed, gone } leaving = Leaving::serves;
    uint64_t joining_sector = 0;  ///< 0: as the others'
    bool two_join = false;        ///< there is a second disk to join, as large as the first
    bool comes_back = true;       ///< a boot may take up again what has failed
    /// How the leaving disk, or the one that serves alone, starts the host.
    enum class Start { not_at_all, efi, bios } start = Start::not_at_all;
    /// What a resize that was cut short has left.
    struct HalfResized {
        bool mounts = true, preen_refuses = false;
    } half_resized = {};

    std::vector<std::string> serving_disks() const;
    /// All that the arrays stand on but the leaving one.
    std::vector<std::string> staying_disks() const;
    uint64_t members_at_first() const { return leaving == Leaving::serves ? disks : disks - 1; }

    /// "md0", "md1"...
    std::vector<std::string> mirrors() const;
    /// The member that the disk `disk` has in the mirror, as "sda1".
    std::string member(const std::string& disk, size_t mirror) const;
};

inline const std::string leaving_disk = "sda", staying_disk = "sdb", joining_disk = "sdc";
inline const std::string second_joining_disk = "sdj", second_joining_serial = "SIM0010";
inline const std::string leaving_serial = "SIM0001", staying_serial = "SIM0002", joining_serial = "SIM0003";

/// Partitions that begin at 64 KiB, 32 KiB of them md's; an ext4 on each mirror, mounted for good.
/// A copy takes a few seconds.
std::unique_ptr<SimulatedStorage> build(const Shape& shape, bool busy_after_fail = true);

/// Every shape that disk.replace carries over.
std::vector<Shape> shapes();

/// Every shape that mirror.add-disk makes a mirror of.
std::vector<Shape> lone_shapes();

/// Where the partitions end, in logical sectors: what a disk without a table's copy must have at least.
uint64_t end_of_partitions(const Shape& shape);

}  // namespace belay::simulated
