#include "upgrade/iosxe/show/packages.h"

#include "upgrade/iosxe/show/fields.h"

#include <array>

namespace belay::upgrade::iosxe::show {
namespace {

using printed::trimmed;

constexpr Field<RunningPackage> package_fields[] = {
    {"", "package", &RunningPackage::package},
    {"", "version", &RunningPackage::version},
    {"", "status", &RunningPackage::status},
    {"Role", "role", &RunningPackage::role},
    {"", "kind", &RunningPackage::kind},
    {"", "file", &RunningPackage::file},
    {"", "on", &RunningPackage::on},
    {"", "built", &RunningPackage::built},
    {"", "built_by", &RunningPackage::built_by},
    {"File SHA1 checksum", "sha1", &RunningPackage::sha1},
};

/// "Built: 2023-04-13_15.18, by: mcpre" by its labels: the values in their order. Nothing where a label is
/// not there.
template <size_t n>
std::optional<std::array<std::string, n>> values_of(std::string_view text,
                                                    const std::array<std::string_view, n>& labels)
{
    std::array<std::string, n> values;
    for (size_t one = 0; one < n; ++one) {
        const auto rest = after(text, labels[one]);
        if (!rest) return std::nullopt;
        const size_t end = one + 1 < n ? rest->rfind(labels[one + 1]) : rest->size();
        if (end == std::string_view::npos) return std::nullopt;
        values[one] = trimmed(rest->substr(0, end));
        if (values[one].empty()) return std::nullopt;
        text = rest->substr(end);
    }
    return values;
}

bool is_whole(const RunningPackage& package)
{
    const bool has_digest = is_digest(package.sha1, 40) || package.sha1 == "n/a";
    return !package.file.empty() && !package.built.empty() && has_digest;
}

Result<void> take_package(const Shown& all, const Line& line, std::vector<RunningPackage>& packages)
{
    const std::string_view text = trimmed(line.text);
    if (auto head = values_of<3>(text, {"Package:", ", version:", ", status:"})) {
        if (!packages.empty() && !is_whole(packages.back()))
            return all.foreign(line.number, "the package before it is not whole");
        packages.push_back({});
        packages.back().package = std::move(head->at(0));
        packages.back().version = std::move(head->at(1));
        packages.back().status = std::move(head->at(2));
        return {};
    }
    if (packages.empty()) return all.foreign(line.number, "it does not begin with a package");
    RunningPackage& package = packages.back();
    if (auto file = values_of<2>(text, {"File:", ", on:"}); file && package.file.empty()) {
        const size_t colon = file->at(0).find(':');
        if (colon != std::string::npos) package.kind = file->at(0).substr(0, colon);
        package.file = file->at(0).substr(colon == std::string::npos ? 0 : colon + 1);
        package.on = std::move(file->at(1));
        return {};
    }
    if (auto built = values_of<2>(text, {"Built:", ", by:"}); built && package.built.empty()) {
        package.built = std::move(built->at(0));
        package.built_by = std::move(built->at(1));
        return {};
    }
    const auto found = labelled(text, ':');
    if (found && TRY(take(all, line, package_fields, *found, package))) return {};
    return all.foreign(line.number, "it is of no package");
}

}  // namespace

Result<RunningPackages> read_packages(std::string_view text, std::string_view command)
{
    const Shown all = TRY(shown(text, command));
    RunningPackages found;
    for (const Line& line : all.lines) {
        if (line.text.ends_with(" is currently offline"))
            return fail(ErrorKind::corrupt, fmt::format("there is nothing to read: {}", trimmed(line.text)));
        TRY(take_package(all, line, found.packages));
    }
    if (!is_whole(found.packages.back())) return all.cut("its last package is not whole");
    return found;
}

void to_json(Json& json, const RunningPackages& packages)
{
    json = {{"packages", array_of(packages.packages, package_fields)}};
}

}  // namespace belay::upgrade::iosxe::show
