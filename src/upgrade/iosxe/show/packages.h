#pragma once
// `show version running`, `installed`, `provisioned`, and `show version rp active running` and the like: the
// packages of which the software consists, and where each runs.

#include "base/result.h"

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace belay::upgrade::iosxe::show {

struct RunningPackage {
    std::string package;          ///< "rpbase"
    std::string version, status;  ///< "n/a" where there is none
    std::string role;             ///< "rp_base"; of newer releases
    std::string kind, file, on;   ///< "consolidated", "packages.conf", "RP0/0"
    std::string built, built_by;
    std::string sha1;  ///< 40 hexadecimal digits, or "n/a"
};

struct RunningPackages {
    std::vector<RunningPackage> packages;  ///< at least one
};

/// Errors: corrupt; also where the processor that was asked for is offline.
Result<RunningPackages> read_packages(std::string_view text,
                                      std::string_view command = "show version running");

void to_json(nlohmann::json& json, const RunningPackages& packages);

}  // namespace belay::upgrade::iosxe::show
