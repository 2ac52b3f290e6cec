#pragma once
// One line that is the same for equal contents: of what a device holds, and of a tree of files. For proofs
// that a restore, or a move of blocks, has left everything as it was.

#include "host/host.h"

#include <cstdint>
#include <string>

namespace belay::backup {

struct ContentFingerprint {
    std::string sha256;
    uint64_t count = 0;  ///< bytes of a device, entries of a tree
};

/// The used blocks of a device or image file with their places; every block where its filesystem cannot be
/// relied on. Nobody else may use it meanwhile. Errors: busy, where it is in use; those of the system.
Result<ContentFingerprint> fingerprint_of_device(host::Host& host, const std::string& path);

/// All files of a tree on one filesystem, by their names: type, mode, owner, size, time of change, extended
/// attributes, links and contents. Not what a move of the blocks changes: inodes, sizes of folders, times of
/// access. Errors: those of the system, naming the file.
Result<ContentFingerprint> fingerprint_of_tree(const std::string& folder);

}  // namespace belay::backup
