#pragma once
// `show install version summary` and `all`: every version whose packages are on a supervisor; `show install
// package FILE`: one package; `show install rollback`, with and without an id: what could be returned to.

#include "upgrade/iosxe/show/install_summary.h"

namespace belay::upgrade::iosxe::show {

struct VersionPackage {
    std::string type, name, state;  ///< "IMG", "/flash1/user/cat9k-rpbase...pkg", "Activated & Committed"
};

struct InstallVersion {
    std::string location;  ///< "R0"
    std::string version, extension, state;
    std::string file, cw_image, checksum;  ///< may be empty
    std::vector<VersionPackage> packages;
};

struct InstallVersions {
    std::vector<InstallVersion> versions;  ///< at least one
};

/// Errors: corrupt.
Result<InstallVersions> read_install_versions(std::string_view text,
                                              std::string_view command = "show install version summary");

struct PackageInformation {
    std::string name, version, platform, type, state, defect, supersedes, fixes, smu_id, smu_type;
    std::string compatible_with, impact;
};

/// Errors: corrupt.
Result<PackageInformation> read_install_package(std::string_view text);

struct RollbackPoint {
    uint64_t id = 0;
    std::string label, description;  ///< "No Label", "No Description" where there are none
    std::string created;             ///< "Wed Jun 18 07:51:18 UTC 2025"; may be empty in the list
    std::optional<bool> reload_required;
    std::vector<InstalledPackage> packages;  ///< of one by its id
};

struct RollbackPoints {
    std::vector<RollbackPoint> points;  ///< at least one
};

/// Errors: corrupt.
Result<RollbackPoints> read_rollback_points(std::string_view text);
Result<RollbackPoint> read_rollback_point(std::string_view text);

void to_json(nlohmann::json& json, const InstallVersions& versions);
void to_json(nlohmann::json& json, const PackageInformation& package);
void to_json(nlohmann::json& json, const RollbackPoints& points);
void to_json(nlohmann::json& json, const RollbackPoint& point);

}  // namespace belay::upgrade::iosxe::show
