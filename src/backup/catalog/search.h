#pragma once
// Where files are: over all clients, repositories and snapshots, or some of them.

#include "backup/catalog/catalog.h"

namespace belay::backup::catalog {

struct SearchRequest {
    /// "/etc/fstab": this path. "*.conf", "fstab": a name, or a pattern of one. "/etc/**/*.conf",
    /// "conf.d/*": a pattern of paths; unless it is rooted it is looked for at their ends.
    std::string what;
    Case letters = Case::counts;
    std::vector<int64_t> clients = {};   ///< numbers; none: all
    std::vector<Id> repositories = {};   ///< none: all
    std::optional<int64_t> oldest = {};  ///< snapshots from then on, seconds since 1970
    std::optional<int64_t> newest = {};  ///< and until then
    bool all_versions = false;           ///< else the newest of each file
    size_t limit = 100;                  ///< files; more of them are not looked for
};

/// What a file was, and where this content is.
struct Version {
    NodeType type = NodeType::file;
    uint64_t size = 0;
    int64_t mtime = 0;
    uint64_t content = 0;    ///< the same for the same content in repositories that share a chunker
    SnapshotEntry newest;    ///< the newest snapshot that has it
    int64_t first = 0;       ///< seconds of the oldest one that was looked at
    uint64_t snapshots = 0;  ///< that were looked at and have it
    std::vector<Id> repositories = {};  ///< of those, sorted
};

struct FoundFile {
    int64_t client = 0;  ///< its number
    std::string path;
    std::vector<Version> versions;  ///< by content, the newest first
};

struct Found {
    std::vector<FoundFile> files;  ///< by path, then client
    bool more = false;             ///< there are more than the limit
};

/// Errors: usage, where the pattern is none; corrupt, of a damaged catalog.
Result<Found> search(Catalog& catalog, const SearchRequest& request);

}  // namespace belay::backup::catalog
