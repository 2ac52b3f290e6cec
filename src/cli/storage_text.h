#pragma once
// The block graph as a tree for a person.

#include "base/json.h"
#include "cli/style.h"

namespace belay::cli {

/// `graph` as docs/cli.md describes it. A node that several others lead to is shown in full the first time
/// and as "see above" later. Kinds that are not known are shown with what they have. Ends with a line end.
std::string storage_text(const Style& style, const Json& graph);

}  // namespace belay::cli
