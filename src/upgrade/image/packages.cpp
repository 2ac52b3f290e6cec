#include "upgrade/image/packages.h"

#include "upgrade/image/manifest.h"
#include "upgrade/image/table.h"

#include <algorithm>

namespace belay::upgrade::image {
namespace {

constexpr const char* packages_file = "packages.conf";
constexpr Bytes largest_packages{64 << 10};

Result<Version> version_at(const Table& table, std::string_view key)
{
    const std::string text = TRY(table.text(key));
    Result<Version> version = parse_version(text);
    if (!version) return table.error(key, version.error().what);
    return version;
}

bool comes_before(const SummaryLine& a, const SummaryLine& b)
{
    if (a.name != b.name) return a.name < b.name;
    const std::weak_ordering order = compare(a.version, b.version);
    return order == 0 ? a.version.text < b.version.text : order < 0;
}

}  // namespace

Result<Packages> packages_of(std::string_view text)
{
    const Table table = TRY(Table::of_file(text, packages_file, ErrorKind::corrupt));
    Packages packages;
    for (const std::string& name : table.keys()) {
        if (const auto checked = check_name(name); !checked) return table.error(name, checked.error().what);
        const Table of_name = TRY(table.table(name));
        TRY(of_name.has_only({"runs", "committed"}));
        Package package;
        package.runs = TRY(version_at(of_name, "runs"));
        package.committed = TRY(version_at(of_name, "committed"));
        packages[name] = package;
    }
    return packages;
}

std::string packages_text(const Packages& packages)
{
    std::string text = "# What runs of each image, written by belay. docs/images.md says what it means.\n";
    for (const auto& [name, package] : packages)
        text += fmt::format("\n[{}]\nruns = {}\ncommitted = {}\n", name, toml_quoted(package.runs.text),
                            toml_quoted(package.committed.text));
    return text;
}

Result<Packages> read_packages(host::Host& host, const std::string& library)
{
    const Result<std::string> text = host.read(library + "/" + packages_file, largest_packages);
    if (!text && text.error().kind == ErrorKind::not_found) return Packages();
    return packages_of(TRY(text));
}

Result<void> write_packages(host::Host& host, const std::string& library, const Packages& packages)
{
    return host.replace(library + "/" + packages_file, packages_text(packages));
}

std::string_view name_of(State state)
{
    switch (state) {
        case State::inactive:
            return "inactive";
        case State::activated_uncommitted:
            return "activated & uncommitted";
        case State::activated_committed:
            return "activated & committed";
        case State::deactivated_uncommitted:
            return "deactivated & uncommitted";
    }
    return "inactive";
}

char letter_of(State state)
{
    return "IUCD"[static_cast<size_t>(state)];
}

State state_of(const Packages& packages, const std::string& name, const Version& version)
{
    const auto found = packages.find(name);
    if (found == packages.end()) return State::inactive;
    const bool runs = found->second.runs == version, is_committed = found->second.committed == version;
    if (runs) return is_committed ? State::activated_committed : State::activated_uncommitted;
    return is_committed ? State::deactivated_uncommitted : State::inactive;
}

std::vector<SummaryLine> summary(const std::vector<std::pair<std::string, Version>>& installed,
                                 const Packages& packages)
{
    std::vector<SummaryLine> lines;
    for (const auto& [name, version] : installed)
        lines.push_back({name, version, state_of(packages, name, version), true});
    const auto add_missing = [&](const std::string& name, const Version& version) {
        const bool is_there = std::ranges::any_of(
            lines, [&](const SummaryLine& line) { return line.name == name && line.version == version; });
        if (!is_there) lines.push_back({name, version, state_of(packages, name, version), false});
    };
    for (const auto& [name, package] : packages) {
        add_missing(name, package.runs);
        add_missing(name, package.committed);
    }
    std::ranges::sort(lines, comes_before);
    return lines;
}

}  // namespace belay::upgrade::image
