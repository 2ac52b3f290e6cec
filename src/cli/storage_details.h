#pragma once
// A node of the block graph in a line: what it is called and what is said of it. Kinds: docs/cli.md.

#include "base/json.h"
#include "cli/style.h"

namespace belay::cli {

/// What a person calls it, in bold where it has a name of its own.
std::string node_heading(const Style& style, const Json& node);
/// What is said of it, as parts to be put behind one another; some may be empty.
std::vector<std::string> node_details(const Style& style, const Json& node);
/// bad or warn, where the node says of itself that it is not as it should be.
Tone node_tone(const Json& node);

/// What a view says that nobody looked at, a paragraph each; empty: everything was. Ends with a line end.
std::string not_looked_text(const Style& style, const Json& view);

}  // namespace belay::cli
