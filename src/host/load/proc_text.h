#pragma once
// What the kernel says of the load of this machine under /proc: a reader for each text. Nothing that they
// read is trusted: a host may be of any kernel, and a container may put files of its own there.
//
// Why no libproc2: it reads the same texts, in an interface that has changed with every large release, knows
// neither pressure nor filesystems, and cannot be pointed at a text for a test.
//
// Source: proc(5), Documentation/accounting/psi.rst, Documentation/admin-guide/iostats.rst.

#include "base/units.h"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::host::load {

/// Of all processors together, or of one, since the boot; in clock ticks, _SC_CLK_TCK a second.
struct ProcessorTicks {
    uint64_t user = 0;    ///< programs, niced ones and guests included
    uint64_t system = 0;  ///< the kernel, interrupts included
    uint64_t idle = 0;
    uint64_t iowait = 0;  ///< idle, and something waits for a disk
    uint64_t steal = 0;   ///< what the host of a virtual machine gave to others
};

struct Processors {
    ProcessorTicks all;
    std::vector<ProcessorTicks> each;  ///< in the order in which the kernel lists them; 4096 at most
};
/// /proc/stat. Errors: corrupt.
Result<Processors> parse_processors(std::string_view text);

struct Memory {
    Bytes total, available, swap, swap_free;
};
/// /proc/meminfo. Errors: corrupt.
Result<Memory> parse_memory(std::string_view text);

/// In percent of the time, over the last 10 s, 1 min and 5 min.
struct Pressure {
    std::array<double, 3> some{};  ///< something had to wait
    std::array<double, 3> full{};  ///< everything had to
};
/// /proc/pressure/cpu and its neighbours. Errors: corrupt.
Result<Pressure> parse_pressure(std::string_view text);

/// /proc/loadavg: over 1, 5 and 15 minutes. Errors: corrupt.
Result<std::array<double, 3>> parse_load_average(std::string_view text);

/// Since the boot.
struct DiskCounts {
    std::string name;  ///< "sda", "cciss/c0d0"
    uint64_t reads = 0, writes = 0;
    Sectors read = {}, written = {};
    Milliseconds busy{0};  ///< how long something was under way
};
/// /proc/diskstats, partitions included; 65,536 lines at most. Errors: corrupt.
Result<std::vector<DiskCounts>> parse_disks(std::string_view text);

struct Mount {
    std::string numbers;  ///< of its device, "8:1"
    std::string at;
    std::string type;    ///< "ext4"
    std::string device;  ///< as it was given to mount, "/dev/sda1"
};
/// /proc/self/mountinfo, in the order in which it was mounted; 65,536 lines at most. Errors: corrupt.
Result<std::vector<Mount>> parse_mounts(std::string_view text);

struct ProcessCounts {
    int64_t pid = 0, parent = 0, group = 0, session = 0;
    std::string command;  ///< its name, 15 bytes at most, whatever they are
    char state = '?';     ///< R runs, S sleeps, D waits for a disk, Z has ended
    bool is_kernel = false;
    uint64_t ticks = 0;    ///< of a processor, that it has had
    uint64_t started = 0;  ///< clock ticks since the boot
    uint64_t pages = 0;    ///< of memory that it has now
};
/// /proc/PID/stat. Errors: corrupt.
Result<ProcessCounts> parse_process(std::string_view text);

/// /proc/PID/cgroup: its control group of version 2, "/system.slice/x"; empty: it says none.
std::string parse_group(std::string_view text);

}  // namespace belay::host::load
