#pragma once
// What the daemon says of a site, for a person.

#include "base/json.h"
#include "cli/live_page.h"
#include "cli/style.h"

namespace belay::cli {

/// What Status tells with `whole`.
std::vector<PageSection> status_sections(const Style& style, const Json& status);
std::string hosts_text(const Style& style, const std::vector<Json>& hosts);
/// How its link stands: "attached since ..., from 10.0.1.1:51234".
std::string host_link_text(const Style& style, const Json& host);
std::string accounts_text(const Style& style, const std::vector<Json>& accounts);

}  // namespace belay::cli
