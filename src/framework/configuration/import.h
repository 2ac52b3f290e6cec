#pragma once
// From a TOML file to the change that it asks for.

#include "framework/configuration/delta.h"
#include "framework/configuration/draft.h"

namespace belay::framework::configuration {

/// What becomes of that which the file does not name.
enum class Mode {
    merge,    ///< it stays: objects, attributes, fields, options
    objects,  ///< other objects stay; of those that it names, what is not set goes back to its standard
    whole,    ///< other objects are removed
};
std::string_view name_of(Mode mode);
/// "merge", "objects", "whole". Errors: usage.
Result<Mode> mode_named(std::string_view name);

struct Imported {
    Delta delta;                    ///< empty where there is an error
    Configuration wanted;           ///< what the site would be
    std::vector<Problem> problems;  ///< all of them, in the order of the file
};

/// Reads a file, holds it against the site, and says what it would change. With one error nothing is changed.
/// A secret that the file gives in plain text and that the site has already stays as it is sealed. Without
/// keys it is a mere check. Threads: any.
Imported import_text(std::string_view text, const Configuration& current, Mode mode, const KeyRing* keys);

/// "site.toml:4:1: error: ...", a line each.
std::string problems_text(const std::vector<Problem>& problems, std::string_view file);

}  // namespace belay::framework::configuration
