// What a BIOS would find on the disks of the mirror that holds /boot, and on which of them grub-pc renews
// GRUB. Nothing is asked where no such mirror is, nor on a host that was started by UEFI.

#include "storage/grub_devices.h"
#include "storage/probe.h"
#include "storage/survey_parts.h"

#include <algorithm>

namespace belay::storage {
namespace {

constexpr const char* efi_folder = "/sys/firmware/efi";
constexpr const char* boot_code_for_bios = "boot code for BIOS";

/// The device that /boot is on.
std::string boot_device(const Inventory& inventory)
{
    const Mount* best = nullptr;
    for (const Mount& mount : inventory.mounts) {
        if (mount.path == "/boot" || (mount.path == "/" && best == nullptr)) best = &mount;
    }
    return best == nullptr ? "" : best->device;
}

/// The mirrors that a device stands on, at whatever depth.
std::vector<const Array*> mirrors_below(const Inventory& inventory, const std::string& device)
{
    std::vector<const Array*> mirrors;
    std::set<std::string> seen;
    std::vector<std::string> next = {device};
    while (!next.empty()) {
        const std::string name = next.back();
        next.pop_back();
        if (!seen.insert(name).second) continue;
        const Array* array = inventory.array_named(name);
        if (array != nullptr && array->level == "raid1") mirrors.push_back(array);
        for (const auto& [lower, upper] : inventory.holders) {
            if (upper == name) next.push_back(lower);
        }
    }
    return mirrors;
}

/// Disks with a table; without one there is no place for boot code beside what is on them.
std::vector<const Disk*> starting_disks(const Inventory& inventory)
{
    std::set<std::string> members;
    for (const Array* array : mirrors_below(inventory, boot_device(inventory))) {
        for (const Member& member : array->members) members.insert(member.device);
    }
    std::vector<const Disk*> disks;
    for (const Disk& disk : inventory.disks) {
        const bool is_member = std::ranges::any_of(
            disk.partitions, [&](const Partition& partition) { return members.contains(partition.name); });
        if (is_member && !disk.table.empty()) disks.push_back(&disk);
    }
    return disks;
}

Result<BootCode> read_boot_code(host::Host& host, const Disk& disk)
{
    const std::string path = "/dev/" + disk.name;
    const boot_code::Code code = TRY(boot_code::read_code(host, path));
    const bool whole = code == boot_code::Code::grub && TRY(boot_code::is_whole(host, path));
    return BootCode{disk.name, code, whole};
}

void look_at_renewed(host::Host& host, Survey& survey)
{
    const auto list = grub_devices::read(host);
    if (!list) return note_not_looked(survey, "the disks of grub-pc", list.error().what);
    for (const std::string& name : list->value_or(grub_devices::List())) {
        if (!name.starts_with('/')) continue;
        const auto device = device_if_there(host, name);
        if (device) survey.bios.renewed[name] = device->value_or("");
    }
}

}  // namespace

void look_at_boot_code(host::Host& host, Survey& survey)
{
    const std::vector<const Disk*> disks = starting_disks(survey.inventory);
    if (disks.empty()) return;
    const auto efi = host.list(efi_folder);
    if (efi) return;
    if (efi.error().kind != ErrorKind::not_found)
        return note_not_looked(survey, boot_code_for_bios, efi.error().what);
    for (const Disk* disk : disks) {
        Result<BootCode> code = read_boot_code(host, *disk);
        if (code)
            survey.bios.codes.push_back(*std::move(code));
        else
            note_not_looked(survey, fmt::format("{} on {}", boot_code_for_bios, disk->name),
                            code.error().what);
    }
    look_at_renewed(host, survey);
}

}  // namespace belay::storage
