#pragma once
// What is in a mounted EFI system partition, and what a copy of it must hold: the same files, and a boot
// loader at the place where every firmware looks, so that the disk starts without a boot entry. Source: the
// UEFI specification 2.10, 3.5.1.1 "Removable Media Boot Behavior"; FAT names know no case.

#include "host/host.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace belay::storage::esp {

/// A file below the mount point.
struct File {
    std::string path;    ///< as "EFI/debian/grubx64.efi"
    std::string digest;  ///< SHA-256
};

/// By path in small letters.
using Tree = std::map<std::string, File>;

/// The files of a folder that is a mount point. Errors: those of the host; failed; corrupt.
Result<Tree> read_tree(host::Host& host, const std::string& folder);

/// What `find FOLDER ... -exec sha256sum` prints, as paths in the folder. Errors: corrupt.
Result<Tree> tree_in(std::string_view text, std::string_view folder);

/// What a copy of `source` must hold: by the path in the copy, in small letters.
struct Wanted {
    std::string path;  ///< in the copy
    File from;         ///< in the source
};
using WantedTree = std::map<std::string, Wanted>;

/// The same files; and where the source has no loader at the firmware's own place (EFI/BOOT/BOOTX64.EFI and
/// its like), the loader goes there too: shim with all that lies beside it, else GRUB or systemd-boot.
WantedTree wanted_copy(const Tree& source);

/// How a copy differs from what it must hold, a sentence each; nothing: it does not. Files that are only in
/// the copy are not counted: firmware and file checks leave some.
std::vector<std::string> differences(const WantedTree& wanted, const Tree& copy);

/// Whether a tree has a loader at the firmware's own place.
bool starts_by_itself(const Tree& tree);

}  // namespace belay::storage::esp
