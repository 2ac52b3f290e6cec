#pragma once
// What there is to tell of the arrays of a host from one look to the next, as mdadm --monitor tells it. Only
// read: nothing is asked of md that would change it, so another monitor beside this one sees the same.
// Source: mdadm(8), monitor mode; the kernel's Documentation/admin-guide/md.rst.

#include "host/host.h"

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace belay::storage {

/// One array as it stands at the moment.
struct WatchedArray {
    std::string name;   ///< "md0"
    std::string uuid;   ///< empty where the kernel does not tell it (an array that does not run)
    std::string level;  ///< empty where it does not run
    bool runs = false;
    uint64_t wanted = 0, in_sync = 0;                  ///< members; 0 of a level without redundancy
    std::vector<std::string> members, faulty, spares;  ///< kernel names; all of them, and those among them
    std::string sync;  ///< "recovery", "resync", "reshape", "check"; empty: none

    bool degraded() const { return in_sync < wanted; }
};

/// Something that happened. `event` is stable, as "degraded"; `severity`: "critical", "warning", "note".
struct ArrayEvent {
    std::string event, severity;
    std::string array;   ///< "md0"
    std::string uuid;    ///< may be empty
    std::string member;  ///< "sda1"; empty: the array as a whole
    std::string text;    ///< one sentence
};

/// Out of /proc/mdstat, in one look. A host without md has none. Errors: those of the host; corrupt.
Result<std::vector<WatchedArray>> look_at_arrays(host::Host& host);

/// What happened between two looks, in the order of the arrays. `before` null: the first look ever, which
/// only tells what is wrong already.
std::vector<ArrayEvent> events_between(const std::vector<WatchedArray>* before,
                                       const std::vector<WatchedArray>& now);

void to_json(nlohmann::json& json, const WatchedArray& array);
void from_json(const nlohmann::json& json, WatchedArray& array);

}  // namespace belay::storage
