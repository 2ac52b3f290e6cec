#pragma once
// What there is of one array on a host, running or half there: by its link, which udev makes only for an
// array that runs, by the superblocks of its members, and by whom they are held.

#include "host/host.h"
#include "storage/model.h"

#include <optional>
#include <set>

namespace belay::storage::md {

struct Traces {
    std::optional<Array> array;       ///< where it runs
    std::set<std::string> holders;    ///< the md devices that hold its members, running or not
    std::vector<std::string> marked;  ///< the members with its superblock
};

/// "/dev/disk/by-id/md-uuid-...".
std::string lasting_path(const std::string& uuid);

/// `members`: stable paths; those that are not there are left out. Errors: those of the host.
Result<Traces> traces_of(host::Host& host, const std::string& uuid, const std::vector<std::string>& members);

/// Whether it runs with exactly these members, none of them failed and none of them away.
Result<bool> runs_with(host::Host& host, const Array& array, const std::vector<std::string>& members);

/// Stops what runs of it, by its lasting name where it has one, and lets udev catch up.
Result<void> stop_traces(host::Host& host, const std::string& uuid, const Traces& traces);
host::Command stop_command(const std::string& path);

Result<void> await_udev(host::Host& host);

/// In a few words: "raid1, 2 of 2 (sda1 in_sync, sdb1 in_sync), clean".
std::string description_of(const Array& array);

}  // namespace belay::storage::md
