#pragma once
// Files of a snapshot and snapshots as people and scripts see them.

#include "backup/view/tree_walk.h"
#include "base/json.h"
#include "cli/style.h"

namespace belay::cli {

/// "2026-11-26 14:20:59"
std::string time_text(const Style& style, const backup::Timestamp& time);

/// As `ls -l` of restic: permissions, owner, size, time, path.
std::string long_line(const Style& style, const std::string& path, const backup::Node& node);
/// The path, made fit for a terminal.
std::string path_text(const Style& style, const std::string& path);

/// A node as restic's `ls --json` has it.
Json ls_json(const std::string& path, const backup::Node& node);
/// A node as restic's `find --json` has it.
Json found_json(const std::string& path, const backup::Node& node);

/// "snapshot 1f2e3d4c of /home, /etc at 2026-11-26 14:20:59 by ann@web1"
std::string snapshot_text(const Style& style, const backup::Snapshot& snapshot);

/// Snapshots as a table with their count below it.
std::string snapshot_table(const Style& style, const std::vector<backup::Snapshot>& snapshots, bool compact);

}  // namespace belay::cli
