#pragma once
// One story of disks and mirrors, told as commands: played once on a real kernel, where Belay's recorder
// listens, and in every test run on the simulated machine, which must answer the same.
//
// The disks: a and b become a mirror of one partition each, c joins it and leaves again, then takes the place
// of a; d gets a filesystem, e a partition table of the MBR kind, f joins and leaves a mirror of the whole
// disks g and h. In the end a, the two partitions of e and f change places in a RAID5.

#include "host/host.h"
#include "storage/model.h"

#include <string>
#include <vector>

namespace belay::story {

struct Scene {
    std::string name;
    bool after_power_cut = false;
    std::vector<host::Command> commands;  ///< all of them as if they only read, so that a recorder keeps them
};

inline constexpr Bytes disk_size{32 << 20};
inline constexpr const char* disk_names = "abcdefgh";

const std::vector<Scene>& scenes();

/// Asks the machine everything that Belay's probes ask, and returns what the parsers made of it, a fact a
/// line. What changes by itself (how far a copy is, whether a write is on its way) is left out.
Result<std::vector<std::string>> look(host::Host& host);

}  // namespace belay::story
