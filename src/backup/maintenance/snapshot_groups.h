#pragma once
// Snapshots that belong together: those of one host, of the same paths, with the same tags.

#include "backup/repository/snapshot.h"

#include <span>

namespace belay::backup {

struct GroupBy {
    bool host = true, paths = true, tags = false;

    /// "host,paths,tags" or a part of it; "" is one group of all. Errors: usage.
    static Result<GroupBy> from_text(std::string_view text);
};

struct SnapshotGroup {
    std::string host;                      ///< empty unless grouped by it
    std::vector<std::string> paths, tags;  ///< sorted; empty unless grouped by them
    std::vector<Snapshot> snapshots;       ///< newest first
};

/// The groups, by host, paths and tags; none is empty. Snapshots of a client with an identity are of one
/// host, however it was called: the newest name is the group's.
std::vector<SnapshotGroup> group_snapshots(std::span<const Snapshot> snapshots, const GroupBy& by);

}  // namespace belay::backup
