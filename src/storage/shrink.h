#pragma once
// An ext filesystem, and the logical volume under it, made smaller. Source: resize2fs(8), e2fsck(8),
// lvreduce(8).

#include "operation/act.h"
#include "storage/data_point.h"
#include "storage/model.h"

namespace belay::storage::shrink {

struct LogicalVolume {
    std::string name;  ///< "vg/lv"; empty: it is none
    std::string group, uuid;
    Bytes size, extent;
    std::string kind;  ///< "linear", "thin"
};

/// What LVM says of a device; without a name where it is no logical volume. Errors: those of the host.
Result<LogicalVolume> read_volume(host::Host& host, const std::string& device);

/// What `dumpe2fs -h` tells of an ext filesystem.
struct Filesystem {
    std::string type, uuid;
    Bytes size, used, block;
};
Result<Filesystem> read_filesystem(host::Host& host, const std::string& device, const Content& content);

/// Checks it and mends what can be mended safely; it is not mounted.
operation::Act check(const std::string& device);
/// Makes it smaller; it was saved, is checked, and nobody has mounted it since. No way back of its own.
operation::Act shrink(const data_point::Source& source, Bytes before, Bytes size);
/// Gives the extents back that the filesystem no longer uses. Back: as many extents again, with other
/// contents.
operation::Act reduce(const LogicalVolume& volume, const std::string& device, Bytes size);

/// The path leads to a device, and where it was a logical volume to the same one. Holds also while a restore
/// has left no filesystem there.
operation::Question is_same(const std::string& device, const LogicalVolume& volume);
/// What is on it fits into so many bytes, with room to move the blocks.
operation::Question fits(const std::string& device, Bytes size);
/// Size of the volume; type, UUID and size of the filesystem; where it is mounted, and how.
operation::Question fingerprint(const std::string& device);

void fill_shrink(operation::Catalogue& catalogue);

}  // namespace belay::storage::shrink
