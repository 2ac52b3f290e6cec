// The SCSI host of a simulated machine: every disk has a place on it, is deleted there and found again.

#include "simulated_storage.h"

namespace belay::simulated {
namespace {

constexpr uint64_t minors_a_disk = 16;

std::string place_of(uint64_t minor)
{
    return fmt::format("0:0:{}:0", minor / minors_a_disk);
}

}  // namespace

bool SimulatedStorage::is_plugged(const std::string& disk) const
{
    return std::ranges::find(disks_, disk, &Disk::name) != disks_.end();
}

/// Puts those that are in their bays into the machine again: all, or the one at a place.
void SimulatedStorage::find_disks(host::Machine& machine, const std::string& place)
{
    for (auto one = bay_.begin(); one != bay_.end();) {
        if (!place.empty() && place_of(one->first.minor) != place) {
            ++one;
            continue;
        }
        auto [disk, bytes] = std::move(*one);
        one = bay_.erase(one);
        machine.put("/dev/" + disk.name, {host::Node::Kind::device, std::move(bytes)});
        disks_.push_back(std::move(disk));
        read_partitions(machine, disks_.back());
    }
}

/// Whether the path is one of the bus.
bool SimulatedStorage::set_bus(host::Machine& machine, std::string_view path, std::string_view text)
{
    if (path == "/sys/class/scsi_host/host0/scan") {
        const bool all = text == "- - -";
        find_disks(machine, all ? "" : fmt::format("0:0:{}:0", text.substr(2, text.rfind(' ') - 2)));
        return true;
    }
    const auto gone = std::ranges::find_if(disks_, [&](const Disk& disk) {
        return path == fmt::format("/sys/block/{}/device/delete", disk.name);
    });
    if (gone == disks_.end()) return false;
    bay_.emplace_back(*gone, machine.find("/dev/" + gone->name)->bytes);
    machine.erase("/dev/" + gone->name);
    disks_.erase(gone);
    return true;
}

void SimulatedStorage::show_bus(host::Machine& machine) const
{
    machine.put_file("/sys/class/scsi_host/host0/scan", "");
    for (const Disk& disk : disks_) {
        const std::string place = place_of(disk.minor);
        const std::string folder =
            fmt::format("/sys/devices/simulated/host0/target{}/{}", place.substr(0, place.rfind(':')), place);
        machine.put_file(folder + "/delete", "");
        machine.put_folder(fmt::format("{}/block/{}", folder, disk.name));
        machine.put_link("/sys/block/" + disk.name, fmt::format("{}/block/{}", folder, disk.name));
        machine.put_link(fmt::format("{}/block/{}/device", folder, disk.name), folder);
    }
}

}  // namespace belay::simulated
