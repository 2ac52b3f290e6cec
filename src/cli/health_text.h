#pragma once
// What is not as it should be, for a person.

#include "base/json.h"
#include "cli/style.h"

namespace belay::cli {

/// `report` as docs/cli.md describes it: a paragraph a finding, and a line that says how much was looked at.
/// Ends with a line end.
std::string health_text(const Style& style, const Json& report);

}  // namespace belay::cli
