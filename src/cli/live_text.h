#pragma once
// A running operation as it is redrawn in place.

#include "base/json.h"
#include "cli/style.h"

namespace belay::cli {

/// The lines of one picture, none wider than the style's width and not more than `height` of them (at least
/// three); where they are too many, the steps far from the current one are left out. `passed` since the view
/// was made, so that countdowns move between two views.
std::vector<std::string> live_lines(const Style& style, const Json& view, Milliseconds passed, size_t height);

/// "52 %, 248 GiB of 476 GiB, 180 MiB/s, 21 min left", as much of it as is known.
std::string progress_text(const Style& style, const Json& progress, Milliseconds passed);
/// 0..100; 0 where the total is not known.
int percent_of(const Json& progress);

}  // namespace belay::cli
