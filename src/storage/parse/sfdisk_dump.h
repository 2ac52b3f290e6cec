#pragma once
// `sfdisk --dump`: a partition table as the script from which sfdisk makes it again.
// Source: util-linux, libfdisk/src/script.c; sfdisk(8), and the form of versions before 2.26.

#include "storage/listing.h"

namespace belay::storage::parse {

struct SfdiskDump {
    PartitionTable table;
    std::string device;
    std::optional<uint64_t> sector_size;         ///< bytes, where it says so (util-linux 2.35 and later)
    std::map<std::string, std::string> headers;  ///< all of them, as printed: "table-length"
    /// Fields of partitions that sfdisk did not know when this was written; by the partition's node.
    std::map<std::string, std::map<std::string, std::string>> other;
};

/// Errors: corrupt.
Result<SfdiskDump> parse_sfdisk_dump(std::string_view text);

void to_json(nlohmann::json& json, const SfdiskDump& dump);

}  // namespace belay::storage::parse
