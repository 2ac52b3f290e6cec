#include "storage/device.h"

#include "base/json.h"

namespace belay::storage {
namespace {

bool is_named(const Disk& disk, const Partition& partition, std::string_view said)
{
    if (said == partition.name || said == "/dev/" + partition.name) return true;
    if (!partition.uuid.empty() &&
        (said == partition.uuid || said == "/dev/disk/by-partuuid/" + partition.uuid))
        return true;
    const std::string suffix = fmt::format("-part{}", partition.number);
    return std::ranges::any_of(disk.links, [&](const std::string& link) {
        const std::string path = link + suffix;
        return said == path || said == std::string_view(path).substr(path.rfind('/') + 1);
    });
}

Result<Device> device_of(const Disk& disk, const Partition& partition)
{
    if (partition.uuid.empty())
        return fail(
            ErrorKind::refused,
            fmt::format("/dev/{} has no PARTUUID, so nobody can tell it from another one", partition.name),
            "blkid --probe /dev/" + partition.name);
    return Device{.name = partition.name,
                  .path = "/dev/disk/by-partuuid/" + partition.uuid,
                  .size = partition.size,
                  .disk = disk};
}

}  // namespace

Result<Disk> lasting_disk(const Inventory& host, std::string_view said)
{
    Disk disk = TRY(host.disk(said));
    if (disk.by_id.empty())
        return fail(
            ErrorKind::refused,
            fmt::format("/dev/{} has no name under /dev/disk/by-id, so nobody can tell it from another disk",
                        disk.name),
            "udevadm info /dev/" + disk.name);
    for (const Disk& other : host.disks) {
        if (other.name != disk.name && are_twins(disk.serial, disk.wwn, other.serial, other.wwn))
            return fail(ErrorKind::refused,
                        fmt::format("{} and {} have the same serial and WWN, so nobody can tell them apart",
                                    shown(disk), shown(other)),
                        "unplug the one that is not meant");
    }
    return disk;
}

Result<Device> device_named(const Inventory& host, std::string_view said)
{
    std::optional<std::pair<const Disk*, const Partition*>> found;
    for (const Disk& disk : host.disks) {
        for (const Partition& partition : disk.partitions) {
            if (said.empty() || !is_named(disk, partition, said)) continue;
            if (found)
                return fail(ErrorKind::usage,
                            fmt::format("two partitions answer to {}: /dev/{} and /dev/{}", said,
                                        found->second->name, partition.name),
                            "belay storage health");
            found = {&disk, &partition};
        }
    }
    if (found) return device_of(*found->first, *found->second);
    Result<Disk> disk = lasting_disk(host, said);
    if (!disk && disk.error().kind == ErrorKind::not_found) {
        return fail(ErrorKind::not_found,
                    fmt::format("\"{}\" is no disk and no partition of this host", said),
                    "belay storage show");
    }
    if (!disk) return std::unexpected(std::move(disk).error());
    return Device{
        .name = disk->name, .path = disk->by_id, .size = disk->size, .disk = *disk, .is_whole_disk = true};
}

std::string shown(const Device& device)
{
    if (device.is_whole_disk) return shown(device.disk);
    return fmt::format("/dev/{} of {}", device.name, shown(device.disk));
}

}  // namespace belay::storage
