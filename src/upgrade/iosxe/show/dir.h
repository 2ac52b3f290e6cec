#pragma once
// `dir flash:`, `dir stby-flash:`: files and room.

#include "base/result.h"
#include "base/units.h"

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::upgrade::iosxe::show {

struct DirEntry {
    std::string name;
    std::optional<uint64_t> index;
    std::string permissions;  ///< "-rw-", "drwx"
    Bytes size;
    std::string modified;  ///< "Nov 25 2023 19:32:53 +00:00"; empty where the file has no date
};

struct Directory {
    std::string path;  ///< as the device writes it: "flash:/", "stby-flash:/"
    std::vector<DirEntry> entries;
    Bytes total, free;

    /// Null where there is none of this name.
    const DirEntry* find(std::string_view name) const;
};

/// One directory. Errors: corrupt; not_found, where the device says that it cannot open it.
Result<Directory> read_dir(std::string_view text);

void to_json(nlohmann::json& json, const Directory& directory);

}  // namespace belay::upgrade::iosxe::show
