#pragma once
// Following an operation until it rests: as a live picture on a terminal, as a line for each event elsewhere,
// as a JSON line for each event where JSON is wanted.

#include "base/json.h"
#include "cli/console.h"
#include "site/client.h"

namespace belay::cli {

struct FollowOptions {
    bool settle = true;  ///< end also where a person must act (added, activated)
    bool json = false;
    Json known = Json::object();  ///< the view up to which nothing need be told
};

struct Followed {
    Json view;       ///< the last one that came
    int signal = 0;  ///< that ended the following; the operation goes on
};

/// Errors: those of the stream; not_found where no view came at all.
Result<Followed> follow(site::Client& client, Console& console, const Style& style,
                        const std::string& operation, const FollowOptions& options);

}  // namespace belay::cli
