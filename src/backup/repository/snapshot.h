#pragma once
// A file under snapshots/: the state of some paths at a point in time.
// Source: restic's design document, "Snapshots".

#include "backup/repository/id.h"
#include "backup/repository/timestamp.h"
#include "base/json.h"

#include <optional>
#include <vector>

namespace belay::backup {

struct Snapshot {
    Id id;  ///< of the file; not in it
    Timestamp time;
    std::optional<Id> parent;  ///< what it was compared with to find what has changed
    Id tree;                   ///< of the root
    std::vector<std::string> paths;
    std::string hostname, username;
    uint32_t uid = 0, gid = 0;
    std::vector<std::string> excludes, tags;
    std::optional<Id> original;  ///< of which it is a copy with other tags, or rewritten
    std::string program_version;
    Json summary;  ///< what newer versions of restic and we note of the run; null: nothing

    /// Errors: corrupt.
    static Result<Snapshot> from_text(std::string_view text);
    std::string to_text() const;
    /// As `to_text`, with the id: for --json.
    Json to_json() const;
};

}  // namespace belay::backup
