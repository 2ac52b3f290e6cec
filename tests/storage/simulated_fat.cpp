// Filesystems of a simulated machine that show their files.

#include "simulated_storage.h"
#include "storage/fstab.h"

namespace belay::simulated {

using host::Machine;
using host::Node;

void SimulatedStorage::start_by_efi()
{
    host_.change([&](Machine& machine) {
        firmware_ =
            Firmware{{{"0000", {"EFI Internal Shell", "FvVol(7cb8bdc9)/FvFile(7c04a583)"}}}, {"0000"}};
        show(machine);
    });
}

void SimulatedStorage::mount(Machine& machine, const std::string& device, const std::string& path)
{
    mounts_.push_back({device, path});
    const auto what = content(machine, device);
    if (!what || what->type != "vfat") return;
    machine.put_folder(path);
    for (const auto& [file, text] : files_on(range(machine, device)))
        machine.put_file(fmt::format("{}/{}", path, file), text);
}

void SimulatedStorage::write_back(Machine& machine, const std::string& path, bool all)
{
    const auto mounted = std::ranges::find_if(
        mounts_, [&](const Mounted& one) { return path == one.path || path.starts_with(one.path + "/"); });
    if (mounted == mounts_.end() || disk_of(mounted->device) == nullptr) return;
    const auto what = content(machine, mounted->device);
    if (!what || what->type != "vfat") return;
    const std::string below = mounted->path + "/";
    const Files before = files_on(range(machine, mounted->device));
    Files files;
    size_t changed = 0;
    for (const auto& [file, node] : machine.nodes) {
        if (!file.starts_with(below) || node.kind != Node::Kind::file) continue;
        const std::string name = file.substr(below.size());
        const auto old = before.find(name);
        if (old != before.end() && old->second == node.bytes) {
            files.insert(*old);
            continue;
        }
        // The kernel had come to one of them, and to half of the next.
        ++changed;
        if (all || changed == 1) files[name] = node.bytes;
        if (!all && changed == 2) files[name] = node.bytes.substr(0, node.bytes.size() / 2);
    }
    write_files(range(machine, mounted->device), files);
}

std::string SimulatedStorage::device_with_uuid(const Machine& machine, const std::string& uuid) const
{
    for (const Disk& disk : disks_) {
        for (const Known& partition : disk.partitions) {
            const auto what = content(const_cast<Machine&>(machine), partition.name);
            if (what && what->uuid == uuid) return partition.name;
        }
    }
    return "";
}

std::optional<std::string> SimulatedStorage::fstab_line(const Machine& machine,
                                                        const std::string& target) const
{
    for (const storage::fstab::Line& line : storage::fstab::parse(machine.text("/etc/fstab").value_or(""))) {
        if (line.target != target) continue;
        const std::string value = line.spec.substr(line.spec.find('=') + 1);
        const Result<std::string> real = machine.resolve("/dev/disk/by-partuuid/" + value);
        return real ? real->substr(5) : device_with_uuid(machine, value);
    }
    return std::nullopt;
}

void SimulatedStorage::mount_by_fstab(Machine& machine)
{
    for (const storage::fstab::Line& line : storage::fstab::parse(machine.text("/etc/fstab").value_or(""))) {
        if (line.type != "vfat") continue;
        const auto device = fstab_line(machine, line.target);
        if (device && !device->empty() && machine.find(line.target) != nullptr)
            mount(machine, *device, line.target);
    }
    show(machine);
}

}  // namespace belay::simulated
