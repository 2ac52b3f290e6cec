#pragma once
// `show install summary` and its parts `active`, `inactive`, `committed`, `uncommitted`: which packages are
// on which members, in which state, and the device's own abort timer.
// Source: "Cisco IOS XE ... (Catalyst 9500 Switches), System Management", show install.

#include "base/result.h"

#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::upgrade::iosxe::show {

enum class PackageState {
    inactive,     ///< I: added, and not what runs
    uncommitted,  ///< U: activated and uncommitted
    committed,    ///< C: activated and committed
    deactivated,  ///< D: deactivated and uncommitted
};

/// "inactive", "uncommitted", "committed", "deactivated".
std::string_view name_of(PackageState state);

struct InstalledPackage {
    std::string type;  ///< "IMG", "SMU", "APSP"
    PackageState state = PackageState::inactive;
    std::string version;  ///< of an image its version, "17.09.05.0.6083"; of others the file
};

/// The device's own timer: when it runs out, the device rolls back by itself.
struct AutoAbortTimer {
    bool active = false;
    std::string operation;                     ///< what it was set by: "install_activate"
    std::optional<std::chrono::seconds> left;  ///< where the device says it
};

/// Members on which the same is installed.
struct InstallSet {
    std::string place;                 ///< as printed: "Switch 1 2", "R0 R1", "Chassis 1/R0"
    std::vector<std::string> members;  ///< "1", "2"; "R0", "R1"; "1/R0"
    std::vector<InstalledPackage> packages;
    std::optional<AutoAbortTimer> timer;  ///< nothing: this release does not say it here
};

struct InstallSummary {
    std::vector<InstallSet> sets;  ///< at least one

    /// Of a member, "1" or "R0"; null where no set has it.
    const InstallSet* of(std::string_view member) const;
};

/// Errors: corrupt. The text cannot say how many members there are: hold the sets against `show switch`.
Result<InstallSummary> read_install_summary(std::string_view text,
                                            std::string_view command = "show install summary");

void to_json(nlohmann::json& json, const AutoAbortTimer& timer);
void to_json(nlohmann::json& json, const InstallSummary& summary);

}  // namespace belay::upgrade::iosxe::show
