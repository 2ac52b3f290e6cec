#pragma once
// What a procedure adds to its plan so that the host starts from the joining disk alone as well: its EFI
// system partition made, filled and kept in step, the firmware's entry, GRUB for BIOS, the line of
// /etc/fstab. Used by mirror.add-disk (both disks stay) and disk.replace (one leaves). Source: the
// hand-book's "RAID pomoci mdadm", "EFI"; efibootmgr(8), grub-install(8), fstab(5).

#include "operation/plan_builder.h"
#include "storage/boot_disk.h"
#include "storage/listing.h"

#include <string>
#include <vector>

namespace belay::procedures {

/// What becomes of the disk that is copied from.
enum class BootAim {
    beside,   ///< it stays: both start the host
    instead,  ///< it leaves: in commit the joining disk takes its line and its mount point
    for_gone  ///< it stays, and the joining disk stands in for one that is gone
};

/// Writes checks and steps of all three phases: to be called behind the procedure's own, before build(),
/// which puts the phases in order. Nothing where `from` does not start the host. `table`: that the joining
/// disk gets; `random`: four bytes, for the FAT's volume id. Errors: refused (the new table has no place for
/// what `from` has), those of the host.
Result<void> append_boot_steps(operation::PlanBuilder& plan, host::Host& host, const storage::BootDisk& from,
                               const storage::Disk& to, const storage::PartitionTable& table, BootAim aim,
                               std::string_view random);

/// The hooks that keep the copies in step, as packaging/hooks has them.
struct BootHook {
    std::string_view folder, name, text;
    bool executable;
};
std::vector<BootHook> boot_hooks();

}  // namespace belay::procedures
