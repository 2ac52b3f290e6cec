#pragma once
// The applications of a host, for a person.

#include "base/json.h"
#include "cli/style.h"

namespace belay::cli {

std::string applications_text(const Style& style, const std::vector<Json>& applications);
std::string pairs_text(const Style& style, const std::vector<Json>& pairs);
/// What a switch-over has done, or would do.
std::string switch_text(const Style& style, const Json& done);
std::string solutions_text(const Style& style, const std::vector<Json>& solutions);
std::string solution_text(const Style& style, const Json& solution);
/// What a start or a stop would do.
std::string moves_text(const Style& style, const Json& moves);
/// Everything about one.
std::string application_text(const Style& style, const Json& application);
/// One line: how it stands, since when and why.
std::string standing_text(const Style& style, const Json& application);

}  // namespace belay::cli
