#pragma once
// What stands on a device that has become larger, and can follow it while it is in use: ext2 to ext4, XFS, an
// LVM physical volume. Source: resize2fs(8), xfs_growfs(8), pvresize(8).

#include "operation/act.h"
#include "storage/model.h"

namespace belay::storage::growable {

/// Whether it can grow: "ext4", "xfs", "LVM2_member" and their kin.
bool can_grow(const Content& content);

/// What stands on a device.
struct Tenant {
    std::string device;  ///< stable path
    std::string type;    ///< as blkid names it
    std::string mount;   ///< where it is mounted; empty: nowhere
};

/// How many bytes of its device it uses now. Errors: failed (the tool is not there, or an XFS is not
/// mounted), corrupt.
Result<Bytes> size_of(host::Host& host, const Tenant& tenant);

/// Makes it use all of the device; an ext filesystem that is not mounted is checked first. `before`: its size
/// now. No way back: ext4 in use and XFS cannot become smaller.
operation::Act grow(const Tenant& tenant, Bytes before);

/// Nothing speaks against its growth: what has errors, is mounted read-only, or is of a volume group that is
/// exported or lacks disks is not grown. An XFS must be mounted.
operation::Question is_sound(const Tenant& tenant);

/// The text of `dumpe2fs -h`: how large the filesystem is, and its state. Errors: corrupt.
struct Ext {
    uint64_t blocks = 0, block_size = 0;
    std::string state;
};
Result<Ext> parse_dumpe2fs(std::string_view text);
/// The text of `xfs_growfs -n`: the bytes of the data section. Errors: corrupt.
Result<Bytes> parse_xfs_geometry(std::string_view text);

void fill(operation::Catalogue& catalogue);

}  // namespace belay::storage::growable
