#include "backup/backend/location.h"

#include "backup/backend/limited.h"
#include "backup/backend/local.h"

#include <algorithm>

namespace belay::backup {
namespace {

constexpr std::string_view local_scheme = "local:";
/// Those of restic that are not here.
constexpr std::string_view foreign_schemes[] = {"s3", "sftp", "b2", "azure", "gs", "swift", "rclone"};

bool is_path(std::string_view text)
{
    return text.find(':') == std::string_view::npos || text.starts_with('/') || text.starts_with("./") ||
           text.starts_with("../");
}

}  // namespace

Result<std::unique_ptr<Backend>> open_place(std::string_view location, const PlaceOptions& options)
{
    if (location.starts_with(rest_scheme))
        return TRY(RestBackend::at(location.substr(rest_scheme.size()), options.rest));
    const bool says_local = location.starts_with(local_scheme);
    const std::string_view path = says_local ? location.substr(local_scheme.size()) : location;
    if (path.empty() || path.find('\0') != std::string_view::npos)
        return fail(ErrorKind::usage, "the location of the repository names no folder",
                    "give one by -r or RESTIC_REPOSITORY");
    if (says_local || is_path(path)) {
        auto place = std::make_unique<LocalBackend>(std::string(path));
        const HttpOptions& speed = options.rest.http;
        if (speed.upload_limit == 0 && speed.download_limit == 0) return place;
        constexpr uint64_t limit_unit = 1024;
        return std::make_unique<LimitedBackend>(std::move(place), speed.upload_limit * limit_unit,
                                                speed.download_limit * limit_unit);
    }
    const std::string_view scheme = path.substr(0, path.find(':'));
    if (scheme == "http" || scheme == "https")
        return fail(ErrorKind::usage,
                    fmt::format("a repository is not at {}: but at rest:{}:", scheme, scheme),
                    fmt::format("write rest:{}://...", scheme));
    if (std::ranges::find(foreign_schemes, scheme) != std::end(foreign_schemes))
        return fail(ErrorKind::usage,
                    fmt::format("Belay has repositories in folders and on REST servers, not in {}:", scheme),
                    "`rclone serve restic` serves any place, which is rest:http://HOST:PORT/ then");
    return fail(ErrorKind::usage, "the location of the repository begins with a scheme that nobody knows",
                "a folder with a colon in its name is local:PATH");
}

std::string shown_location(std::string_view location)
{
    const Result<std::unique_ptr<Backend>> place = open_place(location, {});
    return place ? (*place)->location() : "?";
}

}  // namespace belay::backup
