#pragma once
// What the daemon says of a site, for a person.

#include "base/json.h"
#include "cli/style.h"

namespace belay::cli {

std::string status_text(const Style& style, const Json& status);
std::string hosts_text(const Style& style, const std::vector<Json>& hosts);
std::string accounts_text(const Style& style, const std::vector<Json>& accounts);

}  // namespace belay::cli
