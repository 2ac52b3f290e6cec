#pragma once
// What a REST server answers when it is asked for the files of a kind.

#include "backup/backend/backend.h"

namespace belay::backup {

struct RestListing {
    std::vector<ListedFile> files;  ///< of version 2
    std::vector<Id> names;          ///< of version 1, which says no sizes
};

/// Version 2: `[{"name": 64 digits, "size": bytes}...]`; version 1: `[64 digits...]`. Names of another form
/// are passed over. Memory: little more than what is returned. Errors: corrupt. Threads: any.
Result<RestListing> read_rest_listing(std::string_view text, bool is_version_2);

}  // namespace belay::backup
