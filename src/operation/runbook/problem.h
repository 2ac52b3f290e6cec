#pragma once
// What is wrong in a runbook, where it stands, and what to do about it.

#include <string>
#include <string_view>
#include <vector>

namespace belay::operation::runbook {

/// A place in a file; both counted from 1, the column in characters.
struct Place {
    size_t line = 1;
    size_t column = 1;
    auto operator<=>(const Place&) const = default;
};

struct Problem {
    Place place;
    bool error = true;  ///< else a warning: the runbook can be run all the same
    std::string what;   ///< one sentence that says what is wrong and what to do
};

/// "web.toml:4:1: error: ..."
std::string to_text(const Problem& problem, std::string_view file);

bool any_error(const std::vector<Problem>& problems);

}  // namespace belay::operation::runbook
