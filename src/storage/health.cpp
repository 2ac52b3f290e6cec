#include "storage/health.h"

#include <nlohmann/json.hpp>

namespace belay::storage {
namespace {

using Json = nlohmann::json;

/// mdadm makes a bitmap by itself from this size on (mdadm(8), --bitmap): a smaller array is copied soon
/// enough without one.
constexpr Bytes bitmap_from = {100ULL << 30};

/// Halves of a mirror may differ by this part of the smaller before it counts: disks of one nominal size do.
constexpr uint64_t same_size_within = 100;

const Disk* disk_of(const Inventory& host, std::string_view device)
{
    for (const Disk& disk : host.disks) {
        if (disk.name == device ||
            std::ranges::find(disk.partitions, device, &Partition::name) != disk.partitions.end())
            return &disk;
    }
    return nullptr;
}

std::optional<Bytes> size_of(const Inventory& host, std::string_view device)
{
    const Disk* disk = disk_of(host, device);
    if (disk == nullptr) return std::nullopt;
    if (disk->name == device) return disk->size;
    return std::ranges::find(disk->partitions, device, &Partition::name)->size;
}

bool is_redundant(const Array& array)
{
    return array.level.starts_with("raid") && array.level != "raid0";
}

std::string name_or_path(const Array& array)
{
    return array.path.empty() ? "/dev/" + array.name : array.path;
}

class Health {
  public:
    explicit Health(const Inventory& host) : host_(host) {}

    std::vector<HealthFinding> look()
    {
        for (const Array& array : host_.arrays) look_at(array);
        look_for_left_out();
        for (const Disk& disk : host_.disks) look_at(disk);
        look_for_twins();
        std::ranges::stable_sort(findings_, std::greater{}, &HealthFinding::severity);
        return std::move(findings_);
    }

  private:
    void say(const Array& array, std::string code, Severity severity, std::string found, std::string wanted,
             std::string mend = {})
    {
        findings_.push_back({std::move(code), severity, name_or_path(array), "/dev/" + array.name,
                             std::move(found), std::move(wanted), std::move(mend)});
    }
    void say(const Disk& disk, std::string code, Severity severity, std::string found, std::string wanted,
             std::string mend = {})
    {
        findings_.push_back({std::move(code), severity, disk.by_id.empty() ? "/dev/" + disk.name : disk.by_id,
                             shown(disk), std::move(found), std::move(wanted), std::move(mend)});
    }

    void look_at(const Array& array)
    {
        if (array.state == "inactive" || array.level.empty()) {
            say(array, "md.inactive", Severity::critical, "it is assembled and does not run",
                "a running array", fmt::format("mdadm --detail /dev/{}", array.name));
            return;
        }
        if (!is_redundant(array)) return;
        look_at_members(array);
        look_at_sync(array);
        look_at_bitmap(array);
        look_at_sizes(array);
        if (array.level == "raid1" && array.legs == 1)
            say(array, "md.one-leg", Severity::warning, "a mirror of one disk", "two legs",
                fmt::format("mdadm --manage /dev/{0} --add PARTITION; mdadm --grow /dev/{0} --raid-devices=2",
                            array.name));
    }

    void look_at_members(const Array& array)
    {
        for (const Member& member : array.members) {
            if (!member.faulty()) continue;
            const Disk* disk = disk_of(host_, member.device);
            say(array, "md.member-failed", Severity::critical,
                fmt::format("/dev/{} is faulty{}", member.device,
                            disk == nullptr ? "" : fmt::format(", on {}", shown(*disk))),
                "every member in sync",
                disk == nullptr
                    ? fmt::format("mdadm --manage /dev/{} --remove /dev/{}", array.name, member.device)
                    : fmt::format("belay plan disk.replace --leaving {} --joining NEW",
                                  disk->serial.empty() ? disk->name : disk->serial));
        }
        if (array.degraded == 0) return;
        const bool is_mending = array.sync.action == "recover";
        say(array, "md.degraded", is_mending ? Severity::warning : Severity::critical,
            fmt::format("{} of {} members in sync{}", array.members_in_sync(), array.legs,
                        is_mending ? ", and one is being copied" : ""),
            fmt::format("{} members in sync", array.legs),
            is_mending ? "" : fmt::format("mdadm --manage /dev/{} --add PARTITION", array.name));
    }

    void look_at_sync(const Array& array)
    {
        if (array.sync.total.count == 0) return;
        say(array, "md.syncing", Severity::note,
            fmt::format("{} at {} %", array.sync.action,
                        100 * array.sync.done.count / array.sync.total.count),
            "at rest");
    }

    void look_at_bitmap(const Array& array)
    {
        if (array.bitmap != "none") return;
        const bool is_large = array.member_size.count >= bitmap_from.count;
        say(array, "md.no-bitmap", is_large ? Severity::warning : Severity::note,
            "no bitmap: after a crash the whole array is copied", "an internal bitmap",
            fmt::format("belay plan array.bitmap --array {} --bitmap internal", array.name));
    }

    void look_at_sizes(const Array& array)
    {
        Bytes smallest{UINT64_MAX}, largest{0};
        for (const Member& member : array.members) {
            const std::optional<Bytes> size = size_of(host_, member.device);
            if (!size) return;
            smallest.count = std::min(smallest.count, size->count);
            largest.count = std::max(largest.count, size->count);
        }
        if (largest.count <= smallest.count ||
            largest.count - smallest.count <= smallest.count / same_size_within)
            return;
        say(array, "md.unequal-members", Severity::note,
            fmt::format("members of {} to {}", to_text(smallest), to_text(largest)),
            "members of one size: what the larger ones have more is not used");
    }

    /// Superblocks that no running array has taken in.
    void look_for_left_out()
    {
        std::map<std::string, std::vector<std::string>> waiting;
        const auto look_in = [&](const std::string& device, const Content& content) {
            if (content.type != "linux_raid_member" || !host_.on(device).empty()) return;
            const auto array = std::ranges::find(host_.arrays, content.uuid, &Array::uuid);
            if (array == host_.arrays.end())
                waiting[content.uuid].push_back("/dev/" + device);
            else
                say(*array, "md.member-left-out", Severity::warning,
                    fmt::format("/dev/{} carries its superblock and is not in it", device),
                    "every member in the array",
                    fmt::format("mdadm --manage /dev/{} --re-add /dev/{}", array->name, device));
        };
        for (const Disk& disk : host_.disks) {
            look_in(disk.name, disk.content);
            for (const Partition& partition : disk.partitions) look_in(partition.name, partition.content);
        }
        for (const auto& [uuid, devices] : waiting)
            findings_.push_back(
                {"md.not-assembled", Severity::warning, "md:" + uuid, "array " + uuid,
                 fmt::format("its members are there and it does not run: {}", fmt::join(devices, ", ")),
                 "a running array, or disks without its superblocks", "mdadm --assemble --scan"});
    }

    void look_at(const Disk& disk)
    {
        if (disk.read_only)
            say(disk, "disk.read-only", Severity::warning, "the disk takes no writes",
                "a disk that can be written");
        if (disk.by_id.empty())
            say(disk, "disk.no-name", Severity::note, "no name under /dev/disk/by-id",
                "a name that stays the same after a boot");
        if (disk.content.type.starts_with("linux_raid_member") && !disk.partitions.empty())
            say(disk, "disk.two-contents", Severity::critical, "an md superblock and a partition table",
                "one of them", fmt::format("wipefs /dev/{}", disk.name));
    }

    /// Identifiers that must be there once, and are there more often. Logical volumes are left out: a
    /// snapshot has the UUID of its origin's filesystem.
    void look_for_twins()
    {
        std::map<std::string, std::vector<std::string>> partitions, filesystems, serials;
        for (const Disk& disk : host_.disks) {
            if (is_path(disk)) continue;
            if (!disk.serial.empty()) serials[disk.serial].push_back("/dev/" + disk.name);
            count_filesystem(filesystems, disk.name, disk.content);
            for (const Partition& partition : disk.partitions) {
                if (!partition.uuid.empty()) partitions[partition.uuid].push_back("/dev/" + partition.name);
                count_filesystem(filesystems, partition.name, partition.content);
            }
        }
        for (const Array& array : host_.arrays) count_filesystem(filesystems, array.name, array.content);
        say_twins(serials, "disk.serial-twice", Severity::warning, "serial number",
                  "a serial number a disk: name them by another link under /dev/disk/by-id");
        say_twins(partitions, "partition.uuid-twice", Severity::critical, "PARTUUID",
                  "a PARTUUID a partition");
        say_twins(filesystems, "filesystem.uuid-twice", Severity::critical, "filesystem UUID",
                  "a UUID a filesystem: a mount by UUID may take either");
    }

    /// One of several paths to one disk.
    bool is_path(const Disk& disk) const
    {
        return std::ranges::any_of(host_.on(disk.name), [&](const std::string& upper) {
            const auto other = std::ranges::find(host_.others, upper, &Other::name);
            return other != host_.others.end() && other->type == "mpath";
        });
    }

    /// Several devices of one btrfs, ZFS pool, array or volume group share its UUID by design.
    static void count_filesystem(std::map<std::string, std::vector<std::string>>& seen,
                                 const std::string& device, const Content& content)
    {
        if (content.uuid.empty() || content.type == "btrfs" || content.type.ends_with("_member")) return;
        seen[content.uuid].push_back("/dev/" + device);
    }

    void say_twins(const std::map<std::string, std::vector<std::string>>& seen, const std::string& code,
                   Severity severity, const std::string& what, const std::string& wanted)
    {
        for (const auto& [id, devices] : seen) {
            if (devices.size() < 2) continue;
            findings_.push_back({code, severity, id, fmt::format("{}", fmt::join(devices, ", ")),
                                 fmt::format("{} {} on {} devices", what, id, devices.size()), wanted, ""});
        }
    }

    const Inventory& host_;
    std::vector<HealthFinding> findings_;
};

}  // namespace

std::string_view name_of(Severity severity)
{
    constexpr std::string_view names[] = {"note", "warning", "critical"};
    return names[static_cast<size_t>(severity)];
}

void to_json(Json& json, const HealthFinding& finding)
{
    json = {{"code", finding.code},     {"severity", name_of(finding.severity)},
            {"object", finding.object}, {"shown", finding.shown},
            {"found", finding.found},   {"wanted", finding.wanted},
            {"mend", finding.mend}};
}

std::vector<HealthFinding> health_of(const Inventory& inventory)
{
    return Health(inventory).look();
}

Json health_report(const Inventory& inventory)
{
    const std::vector<HealthFinding> findings = health_of(inventory);
    Json worst;
    if (!findings.empty()) worst = name_of(findings.front().severity);
    return {{"findings", findings},
            {"worst", worst},
            {"looked_at", {{"disks", inventory.disks.size()}, {"arrays", inventory.arrays.size()}}}};
}

}  // namespace belay::storage
