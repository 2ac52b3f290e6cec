#pragma once
// What lies in a folder of this machine, and how it is reached so that long paths and renames above it do no
// harm.

#include "base/result.h"
#include "host/descriptor.h"

#include <fcntl.h>
#include <memory>
#include <string>
#include <sys/stat.h>
#include <vector>

namespace belay::backup {

/// Where an entry is on this machine.
struct Place {
    std::string path;                              ///< for people; absolute, or from the working folder
    std::shared_ptr<host::Descriptor> above = {};  ///< the folder that it lies in; none: by its path

    int folder() const { return above ? above->number() : AT_FDCWD; }
    /// Its name in that folder, or its path.
    std::string name() const { return above ? path.substr(path.rfind('/') + 1) : path; }
};

/// The path of an entry of a folder.
std::string path_below(const std::string& folder, const std::string& name);

/// Opens what was found at a place: no link that somebody has put there since. The access time stays as it is
/// where that may be asked for. Errors: errno, and a descriptor that is none.
host::Descriptor open_place(const Place& place, int flags);

struct ListedEntry {
    std::string name;
    struct stat status = {};  ///< as lstat(2) says
    int problem = 0;          ///< errno, where it could not be looked at
};

struct Listing {
    struct stat folder = {};           ///< before its entries were read
    std::vector<ListedEntry> entries;  ///< sorted by the bytes of their names
};

/// Lists an open folder; `path` is for people. Errors: those of the system.
Result<Listing> list_entries(int folder, const std::string& path);

}  // namespace belay::backup
