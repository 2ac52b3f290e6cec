#pragma once
// Where a repository lies, as restic's users write it.

#include "backup/backend/rest.h"

namespace belay::backup {

/// What a location begins with that is a server's URL.
inline constexpr std::string_view rest_scheme = "rest:";

struct PlaceOptions {
    RestOptions rest = {};
};

/// The place that `location` names: `local:PATH`, or a path as it is; `rest:URL`, where user and password may
/// be in the URL. Nothing is looked at yet. Errors: usage, where it is none of these; the text does not show
/// the location, for there may be a password in it.
Result<std::unique_ptr<Backend>> open_place(std::string_view location, const PlaceOptions& options);

/// The location for people: without user and password; "?" where it is none.
std::string shown_location(std::string_view location);

}  // namespace belay::backup
