#include "cli/known_sites.h"

#include "base/json.h"
#include "cli/environment.h"
#include "host/files.h"
#include "site/identity/private_file.h"

#include <algorithm>
#include <filesystem>
#include <fmt/ranges.h>

namespace belay::cli {
namespace {

constexpr Bytes max_site_file = {256 << 10};
constexpr size_t max_name_bytes = 63;

}  // namespace

Result<KnownSites> KnownSites::of_this_person()
{
    std::string folder = environment("XDG_CONFIG_HOME");
    if (folder.empty()) {
        const std::string home = environment("HOME");
        if (home.empty())
            return fail(ErrorKind::usage,
                        "neither XDG_CONFIG_HOME nor HOME is set: where are your sites kept?");
        folder = home + "/.config";
    }
    return KnownSites(folder + "/belay/sites");
}

Result<std::string> KnownSites::path_of(const std::string& name) const
{
    const bool is_name = !name.empty() && name.size() <= max_name_bytes && name.front() != '.' &&
                         std::ranges::all_of(name, [](unsigned char c) {
                             return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
                         });
    if (!is_name)
        return fail(ErrorKind::usage,
                    fmt::format("\"{}\" is no name for a site: letters, digits, '-', '_' and '.'", name),
                    "belay login --help");
    return fmt::format("{}/{}.json", folder_, name);
}

std::vector<std::string> KnownSites::names() const
{
    std::vector<std::string> names;
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(folder_, none)) {
        if (entry.path().extension() == ".json") names.push_back(entry.path().stem().string());
    }
    std::ranges::sort(names);
    return names;
}

Result<KnownSite> KnownSites::read(const std::string& name) const
{
    const std::string path = TRY(path_of(name));
    const Result<std::string> text = host::files::read(path, max_site_file);
    if (!text && text.error().kind == ErrorKind::not_found) {
        const std::vector<std::string> known = names();
        return fail(ErrorKind::not_found,
                    known.empty()
                        ? fmt::format("there is no site {}: you have not logged in to any", name)
                        : fmt::format("there is no site {}: you know {}", name, fmt::join(known, ", ")),
                    "belay login WORD --account NAME, with the word that belay account add has said");
    }
    if (!text) return std::unexpected(text.error());
    const auto damaged = [&] {
        return fail(ErrorKind::corrupt, fmt::format("{} is damaged", path),
                    "belay login WORD, with the word that belay account list shows");
    };
    const auto json = parse_json(*text);
    if (!json) return damaged();
    try {
        return KnownSite{.name = name,
                         .site = json->at("site"),
                         .authority_pem = json->at("authority"),
                         .controllers = json->at("controllers").get<std::vector<std::string>>(),
                         .account = json->at("account"),
                         .token = json->at("token"),
                         .ends = Milliseconds(json->at("ends_ms").get<int64_t>())};
    } catch (const Json::exception&) {
        return damaged();
    }
}

Result<void> KnownSites::write(const KnownSite& site) const
{
    const std::string path = TRY(path_of(site.name));
    std::error_code problem;
    std::filesystem::create_directories(std::filesystem::path(folder_).parent_path(), problem);
    if (problem) return std::unexpected(system_error("make " + folder_, problem.value()));
    TRY(site::make_private_folder(folder_));
    const Json json = {{"site", site.site},
                       {"authority", site.authority_pem},
                       {"controllers", site.controllers},
                       {"account", site.account},
                       {"token", site.token},
                       {"ends_ms", site.ends.count()}};
    return site::write_private(path, json.dump(1) + "\n");
}

}  // namespace belay::cli
