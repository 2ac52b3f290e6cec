#pragma once
// `belay parse KIND < TEXT`: what a tool or a device printed, as JSON. No daemon takes part.

#include "cli/console.h"
#include "cli/invocation.h"

namespace belay::cli {

/// Reads standard input as the kind that was asked for. The result is what to say: JSON in many lines, or in
/// one with --json. Errors: corrupt, where the text is not of this kind or not whole; io.
Result<std::string> parse_input(const Invocation& asked, Console& console);

}  // namespace belay::cli
