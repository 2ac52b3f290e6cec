#pragma once
// The load of this machine between two looks at it, and the processes that nobody watches.

#include "base/json.h"
#include "host/load/sample.h"

#include <set>

namespace belay::host::load {

/// Who is not to be told of among the processes that nobody watches.
struct Watched {
    std::set<int64_t> applications = {};  ///< first processes of what a supervisor has started
    int64_t daemon = 0;                   ///< its number; what it runs is its own
};

/// Shares are in percent with one digit after the point, amounts in bytes (a second).
///
///     {"at_ms", "over_ms",
///      "processor": {"count", "busy", "user", "system", "iowait", "steal", "each": [busy],
///                    "load_average": [1, 5, 15 min], "pressure"},
///      "memory": {"total", "available", "swap", "swap_free", "pressure"},
///      "disks": [{"name", "reads", "writes", "read", "written", "busy"}], "disk_pressure",
///      "filesystems": [{"at", "type", "device", "size", "free", "used", "inodes", "inodes_free"}],
///      "not_asked": ["/home (nfs4)"],
///      "processes": {"all", "of_applications", "of_belay", "others",
///                    "by_processor": [process], "by_memory": [process]}}
///
/// A process: {"pid", "user", "command", "state", "started_ms", "memory", "processor"}; its share is of one
/// processor. A pressure: {"some": [10 s, 1 min, 5 min], "full": [...]}, or null. Of a filesystem `used` is a
/// share as df(1) reckons it. Without processes in `after` that field is null.
Json load_between(const Sample& before, const Sample& after, const Watched& watched);

}  // namespace belay::host::load
