#include "upgrade/iosxe/show/install_version.h"

#include "upgrade/iosxe/show/install_table.h"

#include <algorithm>
#include <array>

namespace belay::upgrade::iosxe::show {
namespace {

using printed::trimmed;
using printed::whole_number;

constexpr Field<InstallVersion> install_version_fields[] = {
    {"", "location", &InstallVersion::location},
    {"Version", "version", &InstallVersion::version},
    {"Version Extension", "extension", &InstallVersion::extension},
    {"Version State", "state", &InstallVersion::state},
    {"Filename", "file", &InstallVersion::file},
    {"CW_IMAGE", "cw_image", &InstallVersion::cw_image},
    {"Checksum", "checksum", &InstallVersion::checksum},
};

constexpr Field<VersionPackage> version_package_fields[] = {
    {"Package Type", "type", &VersionPackage::type},
    {"Package Name", "name", &VersionPackage::name},
    {"Package State", "state", &VersionPackage::state},
};

constexpr Field<PackageInformation> information_fields[] = {
    {"Name", "name", &PackageInformation::name},
    {"Version", "version", &PackageInformation::version},
    {"Platform", "platform", &PackageInformation::platform},
    {"Package Type", "type", &PackageInformation::type},
    {"Package State", "state", &PackageInformation::state},
    {"Defect ID", "defect", &PackageInformation::defect},
    {"Supersedes List", "supersedes", &PackageInformation::supersedes},
    {"SMU Fixes List", "fixes", &PackageInformation::fixes},
    {"SMU ID", "smu_id", &PackageInformation::smu_id},
    {"SMU Type", "smu_type", &PackageInformation::smu_type},
    {"SMU Compatible with Version", "compatible_with", &PackageInformation::compatible_with},
    {"SMUImpact", "impact", &PackageInformation::impact},
};

constexpr Field<RollbackPoint> point_fields[] = {
    {"Label", "label", &RollbackPoint::label},
    {"Description", "description", &RollbackPoint::description},
    {"", "created", &RollbackPoint::created},
    {"Reload required", "reload_required", &RollbackPoint::reload_required},
};

/// The states in which a version or a package may be.
bool is_state(std::string_view text)
{
    constexpr std::array states = {"Not Installed",
                                   "Added",
                                   "Inactive",
                                   "Activated & Committed",
                                   "Activated & Uncommitted",
                                   "Deactivated & Uncommitted",
                                   "Deactivated & Committed"};
    return std::ranges::any_of(states, [&](std::string_view state) { return text == state; });
}

class VersionsReader {
  public:
    explicit VersionsReader(const Shown& shown) : shown_(shown) {}

    Result<InstallVersions> read()
    {
        for (const Line& line : shown_.lines) {
            const auto found = labelled(line.text, ':');
            if (!found) return shown_.foreign(line.number, "it has no label");
            TRY(take_label(line, *found));
        }
        TRY(close_version());
        if (found_.versions.empty()) return shown_.cut("no version is there");
        return std::move(found_);
    }

  private:
    Result<void> take_label(const Line& line, Labelled found)
    {
        if (found.label == "Location") {
            location_ = found.value;
            return close_version();
        }
        if (location_.empty()) return shown_.foreign(line.number, "it does not begin with a location");
        if (found.label == "Version") {
            TRY(close_version());
            found_.versions.push_back({});
            found_.versions.back().location = location_;
        }
        if (found_.versions.empty()) return shown_.foreign(line.number, "it is of no version");
        if (found.label.ends_with(" State") && !is_state(found.value))
            return shown_.foreign(line.number, fmt::format("\"{}\" is no state", found.value));
        InstallVersion& version = found_.versions.back();
        if (found.label == "Package List") return {};
        if (found.label == "Package Type") version.packages.push_back({});
        const bool is_of_package = found.label.starts_with("Package ") && !version.packages.empty();
        const bool is_known =
            is_of_package ? TRY(take(shown_, line, version_package_fields, found, version.packages.back()))
                          : TRY(take(shown_, line, install_version_fields, found, version));
        if (is_known) return {};
        return shown_.foreign(line.number, fmt::format("\"{}\" is not known of a version", found.label));
    }

    Result<void> close_version() const
    {
        if (found_.versions.empty()) return {};
        const InstallVersion& version = found_.versions.back();
        const bool is_whole =
            !version.state.empty() && !version.packages.empty() && !version.packages.back().state.empty();
        if (!is_whole) return shown_.cut(fmt::format("not all of version {} is there", version.version));
        const auto same = std::ranges::count_if(found_.versions, [&](const InstallVersion& one) {
            return one.location == version.location && one.version == version.version;
        });
        if (same == 1) return {};
        return shown_.foreign(0, fmt::format("version {} is twice in {}", version.version, version.location));
    }

    const Shown& shown_;
    InstallVersions found_;
    std::string location_;
};

/// "Rollback id - 2 (Created on Wed Jun 18 07:51:18 UTC 2025)".
bool take_point_head(std::string_view text, RollbackPoint& point)
{
    const auto rest = after(text, "Rollback id - ");
    const auto created = rest ? between(*rest, '(', ')') : std::nullopt;
    const auto id = created ? whole_number(trimmed(rest->substr(0, rest->find('(')))) : std::nullopt;
    if (!id) return false;
    point.id = *id;
    point.created = after(*created, "Created on ").value_or("");
    return true;
}

}  // namespace

Result<InstallVersions> read_install_versions(std::string_view text, std::string_view command)
{
    const Shown all = TRY(shown(text, command));
    return VersionsReader(all).read();
}

Result<PackageInformation> read_install_package(std::string_view text)
{
    const Shown all = TRY(shown(text, "show install package"));
    PackageInformation package;
    for (const Line& line : all.lines)
        if (const auto found = labelled(line.text, ':'))
            TRY(take(all, line, information_fields, *found, package));
    if (package.name.empty() || package.version.empty() || package.type.empty() || package.state.empty())
        return all.cut("name, version, type and state of the package are not all there");
    return package;
}

Result<RollbackPoints> read_rollback_points(std::string_view text)
{
    const Shown all = TRY(shown(text, "show install rollback"));
    RollbackPoints found;
    bool has_heading = false;
    for (const Line& line : all.lines) {
        if (is_ruler(line.text)) continue;
        if (!has_heading) {
            if (!line.text.starts_with("ID "))
                return all.foreign(line.number, "it does not begin with a table of rollback points");
            has_heading = true;
            continue;
        }
        const std::vector<std::string_view> columns = columns_of(line.text);
        const std::optional<uint64_t> id = whole_number(columns[0]);
        // "No" is the beginning of "No Description".
        if (!id || columns.size() < 3 || columns.back() == "No")
            return all.foreign(line.number, "it is no row of the table of rollback points");
        found.points.push_back({});
        found.points.back().id = *id;
        found.points.back().label = columns[1];
        found.points.back().description = columns.back();
    }
    if (found.points.empty()) return all.cut("no rollback point is there");
    if (has_twice(found.points, &RollbackPoint::id)) return all.foreign(0, "a rollback point is there twice");
    return found;
}

Result<RollbackPoint> read_rollback_point(std::string_view text)
{
    const Shown all = TRY(shown(text, "show install rollback id"));
    RollbackPoint point;
    bool has_head = false;
    for (const Line& line : all.lines) {
        const std::string_view one = trimmed(line.text);
        if (!has_head) {
            if (!take_point_head(one, point))
                return all.foreign(line.number, "it does not begin with the id of a rollback point");
            has_head = true;
        } else if (is_ruler(one) || is_legend(one) || is_package_heading(one)) {
            continue;
        } else if (const auto package = package_of(one)) {
            point.packages.push_back(*package);
        } else if (const auto found = labelled(one, ':');
                   !found || !TRY(take(all, line, point_fields, *found, point))) {
            return all.foreign(line.number, fmt::format("\"{}\" is no package", one));
        }
    }
    if (has_twice(point.packages, &InstalledPackage::version))
        return all.foreign(0, "a package is there twice");
    if (!point.reload_required || point.packages.empty()) return all.cut("its packages are not there");
    return point;
}

void to_json(Json& json, const InstallVersions& versions)
{
    json = {{"versions", Json::array()}};
    for (const InstallVersion& version : versions.versions) {
        Json one = object_of(version, install_version_fields);
        one["packages"] = array_of(version.packages, version_package_fields);
        json["versions"].push_back(std::move(one));
    }
}

void to_json(Json& json, const PackageInformation& package)
{
    json = object_of(package, information_fields);
}

void to_json(Json& json, const RollbackPoint& point)
{
    json = {{"id", point.id}};
    put_fields(json, point, point_fields);
    if (!point.packages.empty()) json["packages"] = json_of(point.packages);
}

void to_json(Json& json, const RollbackPoints& points)
{
    json = {{"points", points.points}};
}

}  // namespace belay::upgrade::iosxe::show
