#pragma once
// The parsers of what is told in lines: /proc/swaps, the script form of zpool and zfs, sha256sum, mtools.
// They report nothing rather than something wrong: a line that is not as it should be is left out, or the
// whole is refused where a part would mislead (corrupt). Texts of more than a million lines are refused.

#include "base/result.h"
#include "base/units.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::storage {

/// A line of /proc/swaps.
struct SwapArea {
    std::string path;  ///< a device or a file, as it was given to swapon
    bool is_file = false;
    Bytes size, used;
    int64_t priority = 0;
};
/// Source: proc(5). The kernel writes blanks in a path as \040.
std::vector<SwapArea> parse_swaps(std::string_view text);

/// A line of `zpool list`, with the columns of zpool_columns. Sizes are bytes.
struct PoolRow {
    std::string name, guid, health;
    std::optional<uint64_t> size, allocated, free, capacity_percent;
};
extern const char* const zpool_columns;
/// Of -H -p. Errors: corrupt.
Result<std::vector<PoolRow>> parse_zpool_list(std::string_view text);

/// A line of `zfs list`, with the columns of zfs_columns.
struct DatasetRow {
    std::string name;
    std::string type;                                                  ///< "filesystem", "volume"
    std::optional<uint64_t> used, available, referenced, volume_size;  ///< bytes
    std::string mountpoint;  ///< "/srv", "legacy", "none"; empty: a volume
    bool mounted = false;
};
extern const char* const zfs_columns;
/// Of -H -p. Errors: corrupt.
Result<std::vector<DatasetRow>> parse_zfs_list(std::string_view text);

struct FileDigest {
    std::string path;
    std::string digest;  ///< SHA-256 in hexadecimal
};
/// Lines of sha256sum. Errors: corrupt.
Result<std::vector<FileDigest>> parse_digests(std::string_view text);

/// The files of `mdir -/ -b`, without folders: "EFI/BOOT/BOOTX64.EFI". Errors: corrupt.
Result<std::vector<std::string>> parse_mdir(std::string_view text);

}  // namespace belay::storage
