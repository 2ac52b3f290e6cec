#pragma once
// `lsblk --json`, of whatever version and with whatever columns: a tree or a list, numbers as numbers or as
// texts. (storage/listing.h reads the one call that the inventory makes.)

#include "base/json.h"

#include <map>
#include <optional>

namespace belay::storage::parse {

/// A block device; what stands on several others is one device with several parents.
struct LsblkDevice {
    std::string name;                  ///< KNAME, else NAME, else PATH
    std::vector<std::string> parents;  ///< what it stands on, by KNAME where the text has it
    std::optional<uint64_t> size;      ///< bytes; absent where lsblk rounded it ("465.8G": then in `columns`)
    std::vector<std::string> mountpoints;
    /// Every other column by its name in lower case with "_" for what is no letter ("maj_min", "log_sec"):
    /// numbers as numbers (bytes), flags as booleans, else texts as printed. Null and empty ones are left
    /// out.
    std::map<std::string, Json> columns;
};

struct Lsblk {
    std::vector<LsblkDevice> devices;  ///< in the order of the text
};

/// Errors: corrupt; also where devices are nested more than 16 deep or are more than 65536.
Result<Lsblk> parse_lsblk_tree(std::string_view text);

void to_json(nlohmann::json& json, const Lsblk& lsblk);

}  // namespace belay::storage::parse
