#include "storage/boot_disk.h"

#include "storage/boot_code.h"
#include "storage/esp.h"
#include "storage/probe.h"

namespace belay::storage {
namespace {

bool is_copy(const std::vector<fstab::Line>& fstab, std::string_view target)
{
    return std::ranges::any_of(
        fstab, [&](const fstab::Line& line) { return line.target == target && line.has(fstab::copy_mark); });
}

int rank(const std::string& target)
{
    constexpr std::string_view usual[] = {"/boot/efi", "/efi", "/boot"};
    return static_cast<int>(std::ranges::find(usual, target) - usual);
}

Result<bool> is_there(host::Host& host, const std::string& folder)
{
    const Result<std::vector<std::string>> names = host.list(folder);
    if (names) return true;
    if (names.error().kind == ErrorKind::not_found) return false;
    return std::unexpected(names.error());
}

Result<std::vector<fstab::Line>> read_fstab(host::Host& host)
{
    const Result<std::string> text = host.read(fstab::path);
    if (text) return fstab::parse(*text);
    if (text.error().kind == ErrorKind::not_found) return std::vector<fstab::Line>();
    return std::unexpected(text.error());
}

/// "/boot/efi2" for "/boot/efi", or the next that nothing is mounted on and no line names.
std::string free_target(const Inventory& inventory, const BootDisk& boot)
{
    for (int number = 2;; ++number) {
        const std::string target = fmt::format("{}{}", boot.source, number);
        if (boot.line_of(target) == nullptr &&
            std::ranges::find(inventory.mounts, target, &Mount::path) == inventory.mounts.end())
            return target;
    }
}

Result<void> read_renewed(host::Host& host, BootDisk& boot)
{
    boot.renewed = TRY(grub_devices::read(host)).value_or(grub_devices::List());
    for (const std::string& name : boot.renewed) {
        if (!name.starts_with('/')) continue;  // GRUB's own name, as "(hd0)": nobody can tell the disk
        const std::optional<std::string> device = TRY(device_if_there(host, name));
        if (!device) boot.renewed_gone.push_back(name);
        if (device == boot.disk.name) boot.renewed_names.push_back(name);
    }
    return {};
}

Result<void> read_code(host::Host& host, BootDisk& boot)
{
    if (boot.disk.table.empty()) return {};
    const boot_code::Code code = TRY(boot_code::read_code(host, boot.disk.by_id));
    boot.bios_code = code == boot_code::Code::grub;
    boot.foreign_code = code == boot_code::Code::other;
    return boot.bios_code ? read_renewed(host, boot) : Result<void>();
}

}  // namespace

const fstab::Line* BootDisk::line_of(std::string_view folder) const
{
    const auto found = std::ranges::find(fstab, folder, &fstab::Line::target);
    return found == fstab.end() ? nullptr : &*found;
}

std::optional<std::string> serving_esp(const Inventory& inventory, const std::vector<fstab::Line>& fstab)
{
    std::optional<std::string> best;
    for (const Disk& disk : inventory.disks) {
        for (const Partition& partition : disk.partitions) {
            if (!esp::is_esp(partition.type)) continue;
            for (const Mount* mount : inventory.mounts_of(partition.name)) {
                if (is_copy(fstab, mount->path)) continue;
                if (!best || std::pair(rank(mount->path), mount->path) < std::pair(rank(*best), *best))
                    best = mount->path;
            }
        }
    }
    return best;
}

Result<BootDisk> read_boot_disk(host::Host& host, const Inventory& inventory, const Disk& disk)
{
    BootDisk boot;
    boot.disk = disk;
    boot.fstab = TRY(read_fstab(host));
    TRY(read_code(host, boot));
    for (const Partition& partition : disk.partitions) {
        if (esp::is_esp(partition.type) && partition.content.type == "vfat") boot.esp = partition;
    }
    if (!boot.esp) return boot;
    for (const Mount* mount : inventory.mounts_of(boot.esp->name)) boot.mounted = mount->path;
    const std::optional<std::string> source = serving_esp(inventory, boot.fstab);
    if (!source)
        return fail(ErrorKind::refused,
                    fmt::format("{} has an EFI system partition, /dev/{}, and none is mounted to copy from",
                                shown(disk), boot.esp->name),
                    "mount /boot/efi");
    boot.source = *source;
    boot.target = free_target(inventory, boot);
    boot.firmware = TRY(efi::read_entries(host));
    for (const char* folder : {"/etc/kernel/postinst.d", "/etc/kernel/postrm.d", "/etc/apt/apt.conf.d"}) {
        if (TRY(is_there(host, folder))) boot.hook_folders.emplace_back(folder);
    }
    return boot;
}

}  // namespace belay::storage
