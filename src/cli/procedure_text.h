#pragma once
// The library of procedures as text.

#include "base/json.h"
#include "cli/style.h"

namespace belay::cli {

/// A line for each of `procedures` (the answer of the method Procedures). Ends with a line end.
std::string procedures_text(const Style& style, const Json& procedures);

/// One procedure in full: what it does, its arguments, and a command to begin with.
std::string procedure_text(const Style& style, const Json& procedure);

}  // namespace belay::cli
