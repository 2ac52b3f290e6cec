#pragma once
// Logical volumes, by LVM's own reports.

#include "base/units.h"
#include "host/host.h"

#include <optional>

namespace belay::backup {

struct LogicalVolume {
    std::string group, name, uuid;
    std::string path;  ///< "/dev/GROUP/NAME"
    Bytes size;
    std::string pool;              ///< the thin pool that it is in; empty: none
    std::string origin;            ///< the volume that it is a snapshot of; empty: it is none
    std::string attributes;        ///< lv_attr, ten letters
    std::string health;            ///< lv_health_status; empty: well
    std::string percent_used;      ///< of a snapshot's or a pool's room for data, as "12.34"; may be empty
    std::string percent_metadata;  ///< the same of a pool's metadata
    std::vector<std::string> tags;
    Bytes group_free, group_extent;

    bool is_thin() const { return !pool.empty(); }
    std::string full_name() const { return group + "/" + name; }
    /// Whether the kernel has given the snapshot up, for more was changed than it has room for.
    bool is_overflowed() const;
};

/// The logical volume that a device is; nothing where it is none. Errors: those of the tool; corrupt.
Result<std::optional<LogicalVolume>> logical_volume_of(host::Host& host, const std::string& device);

/// By its name "GROUP/NAME". Errors: not_found; those of the tool; corrupt.
Result<LogicalVolume> logical_volume(host::Host& host, const std::string& full_name);

/// All with a tag. Errors: those of the tool; corrupt.
Result<std::vector<LogicalVolume>> volumes_with_tag(host::Host& host, const std::string& tag);

}  // namespace belay::backup
