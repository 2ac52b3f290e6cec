#pragma once
// What a disk has of the host's start: an EFI system partition, the firmware's entries for it, boot code for
// BIOS, its line in /etc/fstab.

#include "storage/efi_entries.h"
#include "storage/fstab.h"
#include "storage/grub_devices.h"
#include "storage/model.h"

#include <optional>
#include <string>
#include <vector>

namespace belay::storage {

struct BootDisk {
    Disk disk;
    std::optional<Partition> esp;
    std::string mounted;  ///< where its ESP is mounted; empty: nowhere
    std::string source;   ///< the mount point of the ESP that serves: its own, or another disk's
    std::string target;   ///< a mount point that is free, for a copy: /boot/efi2
    std::optional<efi::Entries> firmware;  ///< nothing: the host was not started by UEFI
    bool bios_code = false;                ///< GRUB starts the host from it by BIOS
    bool foreign_code = false;             ///< boot code of somebody else is in its first sector
    grub_devices::List renewed;            ///< on which the package grub-pc renews GRUB, whatever disk
    grub_devices::List renewed_names;      ///< those of them that lead to this disk
    grub_devices::List renewed_gone;       ///< those that lead nowhere
    std::vector<fstab::Line> fstab;
    std::vector<std::string> hook_folders;  ///< of those where hooks go, the ones that are there

    /// The line of /etc/fstab that mounts on a folder; null where there is none.
    const fstab::Line* line_of(std::string_view folder) const;
};

/// Errors: those of the host; refused, where the disk has an ESP and none is mounted to copy from.
Result<BootDisk> read_boot_disk(host::Host& host, const Inventory& inventory, const Disk& disk);

/// Where the ESP that serves is mounted: /boot/efi, /efi or /boot before others, never a copy. Nothing: none
/// is mounted.
std::optional<std::string> serving_esp(const Inventory& inventory, const std::vector<fstab::Line>& fstab);

}  // namespace belay::storage
