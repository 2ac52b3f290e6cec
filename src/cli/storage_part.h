#pragma once
// Less than the whole block graph, for hosts on which the whole is too much to read.

#include "base/json.h"
#include "cli/style.h"

namespace belay::cli {

/// The part of a block graph (docs/cli.md) that has to do with one thing: what it stands on and what stands
/// on it. `said` is what a person calls it: a kernel name, a path, a serial number, WWN or UUID, the name of
/// a volume group or a pool, a mount point. Errors: not_found.
Result<Json> part_of_graph(const Json& graph, const std::string& said);

/// {"groups": [{"kind", "count", "what"}], "not_looked"}: how many there are of each kind, those that are
/// alike together. `what` is for a person; volume groups and pools stand one by one, with their names.
Json summary_of_graph(const Json& graph);

/// A summary as lines; ends with a line end.
std::string summary_text(const Style& style, const Json& summary);

}  // namespace belay::cli
