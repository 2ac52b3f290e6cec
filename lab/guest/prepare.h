#pragma once
// Makes a Debian-like host out of a kernel that has just started: a writable tree, devices, udev, arrays.

#include "base/result.h"

#include <string>
#include <vector>

namespace belay::lab {

/// What is wanted of the guest, as it came from the lab.
struct Wanted {
    std::string name = "host";
    std::vector<std::string> modules;
    std::vector<std::string> shares;  ///< folders of the real machine, written through, at the same path
};

/// Builds the tree that the guest sees, and enters it: the real machine's whole tree, read only, below a
/// layer in memory which takes the writes. Only process 1, and only once. Errors: whatever the kernel says.
Result<void> build_tree(const Wanted& wanted);

/// Starts udev, lets it see every disk, and waits until it has done its work: links are there, arrays are
/// assembled. Errors: failed (udev, or it took more than 30 s).
Result<void> settle_devices();

}  // namespace belay::lab
