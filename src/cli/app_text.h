#pragma once
// The applications of a host, for a person.

#include "base/json.h"
#include "cli/style.h"

namespace belay::cli {

std::string applications_text(const Style& style, const std::vector<Json>& applications);
/// Everything about one.
std::string application_text(const Style& style, const Json& application);
/// One line: how it stands, since when and why.
std::string standing_text(const Style& style, const Json& application);

}  // namespace belay::cli
