#pragma once
// The parsers of what lsblk and findmnt say in JSON. They report nothing rather than something wrong: a field
// that is missing or of another type is left empty, a text that is not theirs is an Error (corrupt).

#include "storage/model.h"

#include <string_view>
#include <vector>

namespace belay::storage {

/// A line of `lsblk --json --bytes --list`.
struct ListedDevice {
    std::string name, type, parent;
    uint64_t size = 0;
    std::string model, serial, wwn, table, table_id, partition_type, partition_uuid;
    std::optional<uint64_t> start;
    uint64_t logical_sector = 512, physical_sector = 512;
    bool rotational = false, read_only = false;
    Content content;
};

/// The columns that parse_lsblk reads, for --output.
extern const char* const lsblk_columns;
/// Those that tell one disk from another: asked before each step, of every disk.
extern const char* const lsblk_identity_columns;
Result<std::vector<ListedDevice>> parse_lsblk(std::string_view text);

/// A mount whose source is a block device, with the device's numbers: "9:0".
struct ListedMount {
    std::string numbers, path, type, options;
};
extern const char* const findmnt_columns;
Result<std::vector<ListedMount>> parse_findmnt(std::string_view text);

/// The table of `sfdisk --json`; positions and sizes in its logical sectors.
struct PartitionTable {
    struct Entry {
        std::string node, type, name, attributes;
        std::string uuid;  ///< PARTUUID; of an MBR, the disk's id and the number, as the kernel makes it
        uint64_t number = 0;
        uint64_t start = 0, size = 0;
        bool bootable = false;
    };
    std::string label, id;
    uint64_t first_usable = 0, last_usable = 0;  ///< GPT only
    uint64_t sector_size = 512;
    std::vector<Entry> entries;
};
/// The PARTUUID that the kernel makes for a partition of an MBR: "1a2b3c4d-01".
std::string mbr_uuid(std::string_view disk_id, uint64_t number);
Result<PartitionTable> parse_sfdisk(std::string_view text);

/// `NAME=value` lines of blkid --output export, one device; names and values as printed.
std::map<std::string, std::string> parse_export(std::string_view text);

}  // namespace belay::storage
