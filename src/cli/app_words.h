#pragma once
// What a command line has by the library that reads it: for sentences about words that it has not.

#include "base/result.h"

#include <string>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming): the library's own
class App;
}

namespace belay::cli {

/// The names of its commands.
std::vector<std::string> names_of(const CLI::App& app);
/// Its long options, with their dashes.
std::vector<std::string> options_of(const CLI::App& app);
/// "belay storage show"
std::string full_name(const CLI::App& app);

/// Refuses what no option and no command took. `is_group`: it has commands and does nothing itself. Errors:
/// usage.
Result<void> refuse_extras(const CLI::App& app, bool is_group);

}  // namespace belay::cli
