#pragma once
// EFI system partitions: making one, keeping it as a mounted copy of the one that serves, and letting it take
// that one's place. A copy is mounted like the original, so that everybody can look into it at any time; its
// line in /etc/fstab bears fstab::copy_mark.
// Source: mkfs.fat(8); the UEFI specification 2.10, 13.3 "File System Format".

#include "operation/act.h"
#include "storage/model.h"

#include <string>
#include <string_view>
#include <vector>

namespace belay::storage::esp {

/// As lsblk and blkid tell it: GPT's GUID, and the byte of an MBR.
bool is_esp(std::string_view partition_type);

/// How a copy is mounted.
inline constexpr std::string_view mount_options = "umask=0077,nodev,nosuid,noexec";

/// A FAT volume id as mkfs.fat takes it, out of four random bytes: "1a2b3c4d".
std::string volume_id_of(std::string_view random);

/// Makes a FAT32 without a label on a partition that is part of a new table. Abort leaves it: with its table
/// the partition goes.
operation::Act make(const std::string& partition, const std::string& volume_id);

/// What is to be a copy of what.
struct Copy {
    std::string source;     ///< the mount point of the ESP that serves
    std::string partition;  ///< stable path of the one that is filled
    std::string target;     ///< where that is mounted
};
/// Mounts the copy, copies every file and a boot loader to the firmware's own place (esp_tree.h), and mounts
/// it once more, so that what is compared comes from the disk. `loader`: the commands of the last, for the
/// plan. Back: it is unmounted, and the folder goes where it was not there before.
operation::Act fill(const Copy& copy, const std::vector<std::string>& loader);
/// Those commands as they would be now. Errors: those of the host.
Result<std::vector<std::string>> loader_commands(host::Host& host, const Copy& copy);

/// The copy takes the place of the ESP that is mounted on `place`: that one is unmounted, and the copy
/// mounted there, as /etc/fstab then says. No way back.
operation::Act take_place(const Copy& copy, const std::string& place);

/// The copy is mounted, holds what the source holds, and a loader at the firmware's own place.
operation::Question is_copy(const Copy& copy);
/// `partition` is mounted on `target`.
operation::Question is_mounted(const std::string& partition, const std::string& target);

void fill(operation::Catalogue& catalogue);

}  // namespace belay::storage::esp
