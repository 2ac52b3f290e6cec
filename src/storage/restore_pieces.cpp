// What is kept of each sort of thing, and how a person puts it back.

#include "storage/edges.h"
#include "storage/restore_point.h"

namespace belay::storage::restore_point {
namespace {

constexpr uint64_t superblock_bytes = 4096;

/// "/dev/disk/by-id/ata-X" as "ata-X": good in a file's name.
std::string short_name(const std::string& path)
{
    std::string name = path.substr(path.rfind('/') + 1);
    std::ranges::replace(name, ':', '-');
    return name;
}

Piece raw_piece(std::string file, std::string what, const std::string& device, std::string serial,
                uint64_t offset, uint64_t length)
{
    Piece piece{.file = std::move(file),
                .what = std::move(what),
                .device = device,
                .serial = std::move(serial),
                .offset = offset,
                .length = length};
    piece.put_back = {fmt::format("dd if={} of={} bs=512 seek={} conv=notrunc,fsync", path_of(piece), device,
                                  offset / 512)};
    return piece;
}

/// Where md has the superblock of a member of `size` bytes. Source: md(4) and the kernel's md_p.h: 0.90 in
/// the last whole 64 KiB but one, 1.0 between 8 and 12 KiB before the end, 1.1 in front, 1.2 behind 4 KiB.
uint64_t superblock_offset(const std::string& metadata, uint64_t size)
{
    if (metadata == "1.1") return 0;
    if (metadata == "1.0") return ((size / 512 - 16) & ~uint64_t{7}) * 512;
    if (metadata.starts_with("0.9")) return (size & ~uint64_t{0xffff}) - (64 << 10);
    return 4096;
}

struct Place {
    std::string path, serial;
    uint64_t size = 0;
};

/// A member by a path that lasts; nothing where it has none.
std::optional<Place> place_of(const Inventory& host, const std::string& device)
{
    for (const Disk& disk : host.disks) {
        if (disk.name == device && !disk.by_id.empty())
            return Place{disk.by_id, disk.serial, disk.size.count};
        for (const Partition& partition : disk.partitions) {
            if (partition.name == device && !partition.uuid.empty())
                return Place{"/dev/disk/by-partuuid/" + partition.uuid, disk.serial, partition.size.count};
        }
    }
    return std::nullopt;
}

}  // namespace

std::vector<Piece> of_disk(const Disk& disk)
{
    std::vector<Piece> pieces;
    const std::string name = short_name(disk.by_id), who = shown(disk);
    uint64_t head = edge.count, tail = edge.count;
    for (const Partition& partition : disk.partitions) {
        const uint64_t start = bytes_of(Sectors{partition.start}).count;
        head = std::min(head, start);
        tail = std::min(tail, disk.size.count - std::min(start + partition.size.count, disk.size.count));
    }
    if (!disk.table.empty()) {
        Piece table{.file = name + ".sfdisk",
                    .what = "the partition table of " + who,
                    .way = Way::output,
                    .device = disk.by_id,
                    .serial = disk.serial,
                    .argv = {"sfdisk", "--dump", disk.by_id}};
        table.put_back = {fmt::format("sfdisk {} < {}", disk.by_id, path_of(table))};
        pieces.push_back(std::move(table));
    }
    if (disk.size.count < 2 * edge.count) return pieces;
    if (head > 0)
        pieces.push_back(raw_piece(name + ".head", "what lies before the partitions of " + who, disk.by_id,
                                   disk.serial, 0, head));
    if (tail > 0)
        pieces.push_back(raw_piece(name + ".tail", "what lies behind the partitions of " + who, disk.by_id,
                                   disk.serial, disk.size.count - tail, tail));
    return pieces;
}

std::vector<Piece> of_array(const Inventory& host, const Array& array)
{
    std::vector<Piece> pieces;
    std::map<uint64_t, std::string> in_order;
    for (const Member& member : array.members) {
        const std::optional<Place> place = place_of(host, member.device);
        if (member.faulty() || !place) continue;
        const uint64_t offset = superblock_offset(array.metadata, place->size);
        if (offset + superblock_bytes > place->size) continue;
        if (member.slot) in_order[*member.slot] = place->path;
        Piece piece = raw_piece(short_name(place->path) + ".md",
                                fmt::format("the md superblock of /dev/{}, a member of /dev/{} ({})",
                                            member.device, array.name, array.uuid),
                                place->path, place->serial, offset, superblock_bytes);
        // md writes it past the page cache, and so it is read.
        piece.way = Way::output;
        piece.argv = {"dd",
                      "if=" + place->path,
                      fmt::format("bs={}", superblock_bytes),
                      fmt::format("skip={}", offset / superblock_bytes),
                      "count=1",
                      "iflag=direct",
                      "status=none"};
        pieces.push_back(std::move(piece));
    }
    std::string create = fmt::format(
        "# where all superblocks are lost: mdadm --create /dev/{} --assume-clean "
        "--metadata={} --level={} --raid-devices={}",
        array.name, array.metadata, array.level, array.legs);
    for (uint64_t slot = 0; slot < array.legs; ++slot)
        create += in_order.contains(slot) ? " " + in_order.at(slot) : " missing";
    for (Piece& piece : pieces) piece.put_back.push_back(create);
    return pieces;
}

std::vector<Piece> of_group(const std::string& group,
                            const std::vector<std::pair<std::string, std::string>>& volumes)
{
    Piece piece{.file = group + ".vgcfg",
                .what = fmt::format("the metadata of the volume group {}", group),
                .way = Way::written,
                .device = {},
                .serial = group};
    piece.argv = {"lvm", "vgcfgbackup", "--file", path_of(piece), group};
    for (const auto& [path, uuid] : volumes)
        piece.put_back.push_back(
            fmt::format("# where its label is lost: lvm pvcreate --yes --uuid {} --restorefile {} {}", uuid,
                        path_of(piece), path));
    piece.put_back.push_back(fmt::format("lvm vgcfgrestore --file {} {}", path_of(piece), group));
    return {piece};
}

std::vector<Piece> of_luks(const std::string& device, const std::string& uuid)
{
    Piece piece{.file = short_name(device) + ".luks",
                .what = "the LUKS header of " + device,
                .way = Way::written,
                .device = device,
                .serial = uuid,
                .length = 16 << 20};
    piece.argv = {"cryptsetup", "luksHeaderBackup", device, "--header-backup-file", path_of(piece)};
    piece.put_back = {
        fmt::format("cryptsetup luksHeaderRestore {} --header-backup-file {}", device, path_of(piece))};
    return {piece};
}

std::vector<Piece> of_zfs(const std::string& device, const std::string& serial, Bytes size)
{
    constexpr uint64_t label = 256 << 10;
    const uint64_t whole = size.count / label * label;
    if (whole < 4 * label) return {};
    std::vector<Piece> pieces;
    for (const uint64_t offset : {uint64_t{0}, label, whole - 2 * label, whole - label})
        pieces.push_back(raw_piece(fmt::format("{}.zfs{}", short_name(device), pieces.size()),
                                   fmt::format("the ZFS label {} of {}", pieces.size(), device), device,
                                   serial, offset, label));
    return pieces;
}

}  // namespace belay::storage::restore_point
