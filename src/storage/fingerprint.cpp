#include "storage/fingerprint.h"

#include "base/digest.h"
#include "base/json.h"
#include "storage/edges.h"
#include "storage/probe.h"

namespace belay::storage {
namespace {

using host::Host;
using operation::Fingerprint;

/// A name that outlives the boot: the PARTUUID of a partition, the serial of a disk, else the kernel's name.
std::string stable_name(const Inventory& inventory, const std::string& device)
{
    for (const Disk& disk : inventory.disks) {
        if (disk.name == device && !disk.by_id.empty()) return disk.by_id;
        for (const Partition& partition : disk.partitions) {
            if (partition.name == device && !partition.uuid.empty()) return partition.uuid;
        }
    }
    return device;
}

Result<void> describe_array(Host& host, const Inventory& inventory, const std::string& uuid,
                            Fingerprint& lines)
{
    const Array array = TRY(read_array(host, uuid));
    const std::string name = "array " + uuid;
    lines[name + " level"] = array.level;
    lines[name + " legs"] = fmt::format("{}", array.legs);
    lines[name + " degraded"] = fmt::format("{}", array.degraded);
    lines[name + " metadata"] = array.metadata;
    lines[name + " bitmap"] = array.bitmap;
    lines[name + " size"] = fmt::format("{} bytes", array.size.count);
    for (const Member& member : array.members) {
        // It serves nothing, and md forgets it at the next boot. That it is missed is told by what is
        // degraded.
        if (member.faulty()) continue;
        lines[fmt::format("{} member {}", name, stable_name(inventory, member.device))] = fmt::format(
            "{} in slot {}", member.state, member.slot ? fmt::format("{}", *member.slot) : "none");
    }
    const Content content = TRY(read_content(host, array.path));
    lines[name + " holds"] = fmt::format("{} {}", content.type, content.uuid);
    std::vector<std::string> mounts;
    for (const Mount* mount : inventory.mounts_of(array.name)) mounts.push_back(mount->path);
    std::ranges::sort(mounts);
    lines[name + " mounted on"] = fmt::format("{}", fmt::join(mounts, " "));
    return {};
}

struct Lengths {
    Bytes head, tail;
};

/// How much at each end of a disk is of no partition, at most 64 KiB.
Lengths edges_of(const Disk& disk)
{
    Lengths edges{edge, edge};
    for (const Partition& partition : disk.partitions) {
        const uint64_t start = bytes_of(Sectors{partition.start}).count;
        const uint64_t end = std::min(start + partition.size.count, disk.size.count);
        edges.head = std::min(edges.head, Bytes{start});
        edges.tail = std::min(edges.tail, Bytes{disk.size.count - end});
    }
    return edges;
}

Result<void> describe_disk(Host& host, const Inventory& inventory, const std::string& path,
                           Fingerprint& lines)
{
    const Disk disk = TRY(inventory.disk(path));
    const std::string name = "disk " + path;
    lines[name + " identity"] =
        fmt::format("serial {}, WWN {}, {} bytes", disk.serial, disk.wwn, disk.size.count);
    lines[name + " table"] = fmt::format("{} {}", disk.table, disk.table_id);
    for (const Partition& partition : disk.partitions) {
        // What lsblk says of it is out of udev's database, which may lag behind.
        const Content content = TRY(read_content(host, "/dev/" + partition.name));
        lines[fmt::format("{} partition {}", name, partition.number)] =
            fmt::format("{} at {}, {} bytes, type {}, holds {} {}", partition.uuid, partition.start,
                        partition.size.count, partition.type, content.type, content.uuid);
    }
    // What stands on the disk itself changes by itself.
    const bool used_whole = !inventory.on(disk.name).empty() || !inventory.mounts_of(disk.name).empty();
    if (used_whole || disk.size < Bytes{2 * edge.count}) return {};
    const auto [head, tail] = edges_of(disk);
    lines[name + " before its partitions"] = sha256(TRY(host.read_at(path, {0}, head)));
    lines[name + " behind its partitions"] =
        sha256(TRY(host.read_at(path, {disk.size.count - tail.count}, tail)));
    return {};
}

Result<Fingerprint> make(Host& host, const Json& arguments)
{
    const Inventory inventory = TRY(read_inventory(host));
    Fingerprint lines;
    for (const std::string uuid : arguments.at("arrays")) TRY(describe_array(host, inventory, uuid, lines));
    for (const std::string path : arguments.at("disks")) TRY(describe_disk(host, inventory, path, lines));
    return lines;
}

}  // namespace

operation::Question fingerprint_of(const std::vector<std::string>& array_uuids,
                                   const std::vector<std::string>& disk_paths)
{
    return {"storage", {{"arrays", array_uuids}, {"disks", disk_paths}}};
}

void fill_fingerprint(operation::Catalogue& catalogue)
{
    catalogue.add_fingerprint("storage", make);
}

}  // namespace belay::storage
