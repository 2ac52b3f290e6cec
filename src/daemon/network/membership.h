#pragma once

#include "base/result.h"

#include <string>

namespace belay::daemon {

/// As SiteParts has them.
Result<std::string> join_site(const std::string& state_folder, const std::string& word);
Result<std::string> leave_site(const std::string& state_folder);

}  // namespace belay::daemon
