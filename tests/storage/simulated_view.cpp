// What a simulated machine shows of its storage in /sys, /proc and /dev.

#include "simulated_storage.h"

namespace belay::simulated {

using host::Machine;
using host::Node;

std::string SimulatedStorage::numbers_of(const std::string& device) const
{
    if (const Mirror* array = mirror(device)) return fmt::format("9:{}", array->minor);
    if (volume(device) != nullptr) return "253:" + device.substr(3);
    const Disk* disk = disk_of(device);
    if (disk == nullptr) return "0:0";
    for (const Known& partition : disk->partitions) {
        if (partition.name == device) return fmt::format("98:{}", disk->minor + partition.number);
    }
    return fmt::format("98:{}", disk->minor);
}

void SimulatedStorage::show_block(Machine& machine, const std::string& name, const std::string& numbers) const
{
    machine.put_folder(fmt::format("/sys/devices/virtual/block/{}", name));
    machine.put_link("/sys/dev/block/" + numbers, "/sys/devices/virtual/block/" + name);
    machine.put_folder(fmt::format("/sys/class/block/{}/holders", name));
    machine.put_file(fmt::format("/sys/class/block/{}/size", name), fmt::format("{}\n", size_of(name) / 512));
    const auto held_by = [&](const std::string& upper) {
        machine.put_folder(fmt::format("/sys/class/block/{}/holders/{}", name, upper));
    };
    for (const Mirror& array : mirrors_) {
        if (std::ranges::find(array.members, name, &Leg::device) != array.members.end()) held_by(array.name);
    }
    for (const auto& [lower, upper] : stacked_) {
        if (lower == name) held_by(upper);
    }
    if (machine.find("/dev/" + name) == nullptr) machine.put("/dev/" + name, {Node::Kind::device});
}

void SimulatedStorage::show_mirror(Machine& machine, const Mirror& mirror) const
{
    const std::string block = "/sys/block/" + mirror.name, md = block + "/md/";
    const Leg* copying = mirror.begun ? mirror.copying() : nullptr;
    std::string uuid;
    for (const char c : mirror.uuid) {
        if (c == ':') continue;
        if (uuid.size() == 8 || uuid.size() == 13 || uuid.size() == 18 || uuid.size() == 23) uuid += '-';
        uuid += c;
    }
    machine.put_file(block + "/size", fmt::format("{}\n", mirror.size() / 512));
    machine.put_file(md + "level", mirror.level + "\n");
    machine.put_file(md + "metadata_version", "1.2\n");
    machine.put_file(md + "array_state", mirror.broken ? "broken\n" : "clean\n");
    machine.put_file(md + "raid_disks", fmt::format("{}\n", mirror.legs));
    machine.put_file(md + "degraded", fmt::format("{}\n", mirror.legs - mirror.in_sync()));
    machine.put_file(md + "component_size", fmt::format("{}\n", mirror.data_size / 1024));
    machine.put_file(md + "bitmap/location", mirror.bitmap ? "+8\n" : "none\n");
    const auto limit = [](const std::string& set, std::string_view of_the_system) {
        return set == "system" ? fmt::format("{} (system)\n", of_the_system)
                               : fmt::format("{} (local)\n", set);
    };
    machine.put_file(md + "sync_speed_min", limit(mirror.speed_min, "1000"));
    machine.put_file(md + "sync_speed_max", limit(mirror.speed_max, "200000"));
    machine.put_file(md + "uuid", uuid + "\n");
    machine.put_file(md + "sync_action", mirror.held          ? "frozen\n"
                                         : copying != nullptr ? "recover\n"
                                                              : "idle\n");
    machine.put_file(md + "sync_completed",
                     copying == nullptr
                         ? "none\n"
                         : fmt::format("{} / {}\n", mirror.checkpoint / 512, mirror.data_size / 512));
    machine.put_file(
        md + "sync_speed",
        copying == nullptr
            ? "none\n"
            : fmt::format("{}\n", std::max<uint64_t>(1, std::min(speed_limit_, settings_.speed) >> 10)));
    for (const Leg& leg : mirror.members) {
        std::string state = leg.faulty ? "faulty" : leg.in_sync ? "in_sync" : "spare";
        if (leg.want_replacement) state += ",want_replacement";
        if (leg.replacement) state += ",replacement";
        machine.put_file(md + "dev-" + leg.device + "/state", state + "\n");
        machine.put_file(md + "dev-" + leg.device + "/offset", fmt::format("{}\n", mirror.data_offset / 512));
        machine.put_file(md + "dev-" + leg.device + "/slot",
                         leg.slot ? fmt::format("{}\n", *leg.slot) : "none\n");
    }
}

void SimulatedStorage::show(Machine& machine)
{
    for (const char* folder : {"/sys", "/dev/disk"}) machine.erase(folder);
    if (firmware_) {
        const std::string folder = "/sys/firmware/efi/efivars/";
        machine.put_file(folder + "BootOrder", fmt::format("{}", fmt::join(firmware_->order, ",")));
        for (const auto& [number, entry] : firmware_->entries)
            machine.put_file(fmt::format("{}Boot{}", folder, number),
                             fmt::format("{}\t{}", entry.label, entry.path));
    }
    std::set<std::string> shown;
    const auto block = [&](const std::string& name) {
        shown.insert("/dev/" + name);
        show_block(machine, name, numbers_of(name));
    };
    const auto link = [&](const std::string& folder, const std::string& name, const std::string& device) {
        machine.put_link(fmt::format("/dev/disk/{}/{}", folder, name), "../../" + device);
    };
    machine.put_folder("/dev/disk/by-id");
    for (const Disk& disk : disks_) {
        block(disk.name);
        if (!disk.by_id.empty()) link("by-id", disk.by_id, disk.name);
        for (const Known& partition : disk.partitions) {
            block(partition.name);
            std::string uuid = partition.uuid;
            for (char& c : uuid) c = static_cast<char>(std::tolower(c));
            link("by-partuuid", uuid, partition.name);
            if (!disk.by_id.empty())
                link("by-id", fmt::format("{}-part{}", disk.by_id, partition.number), partition.name);
        }
    }
    show_bus(machine);
    for (const Volume& one : volumes_) {
        block(one.device);
        machine.put_file(fmt::format("/sys/class/block/{}/dm/name", one.device),
                         fmt::format("{}-{}\n", one.group, one.name));
        machine.put_link(fmt::format("/dev/{}/{}", one.group, one.name), "../" + one.device);
        machine.put_link(fmt::format("/dev/mapper/{}-{}", one.group, one.name), "../" + one.device);
    }
    for (const Mirror& mirror : mirrors_) {
        block(mirror.name);
        show_mirror(machine, mirror);
        link("by-id", "md-uuid-" + mirror.uuid, mirror.name);
        link("by-id", "md-name-" + mirror.label, mirror.name);
    }
    std::erase_if(machine.nodes, [&](const auto& node) {
        return node.second.kind == Node::Kind::device && !shown.contains(node.first);
    });
    std::string swaps = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
    for (const std::string& device : swaps_)
        swaps += fmt::format("/dev/{}                               partition\t{}\t\t0\t\t-2\n", device,
                             size_of(device) / 1024);
    machine.put_file("/proc/swaps", swaps);
}

}  // namespace belay::simulated
