#pragma once
// One look at the load of this machine. What is counted since the boot becomes a share only between two of
// them: load_between().

#include "host/load/proc_text.h"

#include <sys/types.h>

namespace belay::host::load {

/// A filesystem that has a disk, or is the root.
struct FilesystemUse {
    std::string at, type, device;
    Bytes size, free;                      ///< free for those who are not root
    Bytes used;                            ///< what is neither free nor kept for root
    uint64_t inodes = 0, inodes_free = 0;  ///< 0: it does not count them
};

struct SampledProcess {
    ProcessCounts counts;
    uid_t user = 0;
    std::string group;  ///< its control group; empty: not known
};

struct Sample {
    Milliseconds wall{0}, boot{0};  ///< when; by the wall clock, and since the boot
    Processors processors;
    std::array<double, 3> load_average{};
    Memory memory;
    /// Nothing: this kernel does not tell.
    std::optional<Pressure> processor_pressure, memory_pressure, disk_pressure;
    std::vector<DiskCounts> disks;  ///< whole ones that were ever used
    std::vector<FilesystemUse> filesystems;
    std::vector<std::string> not_asked;  ///< "/home (nfs4)": the answer may be long in coming
    std::vector<SampledProcess> processes;
};

/// `processes`: those as well; that takes some 20 microseconds for each. Errors: io, corrupt: the machine
/// does not even tell of its processors and its memory. Threads: any.
Result<Sample> take_sample(bool processes);

}  // namespace belay::host::load
