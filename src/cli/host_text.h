#pragma once
// A host, its load, and what nobody watches on it, for a person.

#include "base/json.h"
#include "cli/live_page.h"
#include "cli/style.h"

namespace belay::cli {

/// What HostShow answers.
std::vector<PageSection> host_sections(const Style& style, const Json& host);

/// {"processor 12 %", "memory 34 %", "disk 71 %"}; empty ones where it is not known. What is above 90 % is
/// told in another tone.
std::vector<std::string> load_cells(const Style& style, const Json& load);

}  // namespace belay::cli
