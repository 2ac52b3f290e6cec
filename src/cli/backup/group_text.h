#pragma once
// Groups of snapshots as people and scripts see them.

#include "backup/maintenance/snapshot_groups.h"
#include "base/json.h"
#include "cli/style.h"

namespace belay::cli {

/// {"hostname", "paths", "tags"}; null where it is not grouped by it.
Json group_key_json(const backup::GroupBy& by, const backup::SnapshotGroup& group);
/// A line for people; empty where it is grouped by nothing.
std::string group_heading(const Style& style, const backup::GroupBy& by, const backup::SnapshotGroup& group);

}  // namespace belay::cli
