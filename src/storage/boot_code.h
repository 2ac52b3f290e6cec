#pragma once
// GRUB's boot code for BIOS, in the first sector of a disk and behind it.
// Source: grub-install(8); GRUB's grub-core/boot/i386/pc/boot.S: its first sector holds "GRUB ", and at byte
// 92 the sector where the rest begins.

#include "operation/act.h"
#include "storage/model.h"

#include <string>
#include <string_view>

namespace belay::storage::boot_code {

/// The partition that holds the rest of the boot code on a GPT: "BIOS boot".
bool is_bios_boot(std::string_view partition_type);

/// What is in the first sector of a disk, its partition table aside.
enum class Code { none, grub, other };
Result<Code> read_code(host::Host& host, const std::string& disk);

/// There is GRUB in the first sector, and something where it says that the rest is.
Result<bool> is_whole(host::Host& host, const std::string& disk);

/// As a person types it: installs GRUB for BIOS on a disk.
std::string install_hint(const std::string& disk);

/// Installs GRUB on a disk whose table was written. Back: its first 440 bytes are again what they were.
operation::Act install(const std::string& disk);

/// grub-install has what it needs for BIOS.
operation::Question can_install();

void fill(operation::Catalogue& catalogue);

}  // namespace belay::storage::boot_code
