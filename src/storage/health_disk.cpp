// What is not as it should be with disks, their tables, and identifiers.

#include "storage/health_parts.h"

#include <algorithm>
#include <array>

namespace belay::storage {
namespace {

class DiskHealth {
  public:
    DiskHealth(const Survey& survey, Findings& findings)
        : survey_(survey), host_(survey.inventory), zvols_(zvols_of(survey)), findings_(findings)
    {
    }

    void look()
    {
        for (const Disk& disk : host_.disks) look_at(disk);
        look_for_twins();
        look_at_sizes_of_a_model();
        look_at_swap();
    }

  private:
    void say(const Disk& disk, std::string code, Severity severity, std::string found, std::string wanted,
             std::string mend = {})
    {
        findings_.push_back(finding_on(disk, std::move(code), severity, std::move(found), std::move(wanted),
                                       std::move(mend)));
    }

    void look_at(const Disk& disk)
    {
        if (disk.read_only)
            say(disk, "disk.read-only", Severity::warning, "the disk takes no writes",
                "a disk that can be written");
        if (disk.by_id.empty() && !zvols_.contains(disk.name))
            say(disk, "disk.no-name", Severity::note, "no name under /dev/disk/by-id",
                "a name that stays the same after a boot");
        if (disk.content.type.starts_with("linux_raid_member") && !disk.partitions.empty())
            say(disk, "disk.two-contents", Severity::critical, "an md superblock and a partition table",
                "one of them", fmt::format("wipefs /dev/{}", disk.name));
        look_at_table(disk);
        look_at_capacity(disk);
    }

    /// An area that is hidden is not lost; but who hides it may be another one after the next start.
    void look_at_capacity(const Disk& disk)
    {
        const auto known = survey_.ata_capacities.find(disk.name);
        if (known == survey_.ata_capacities.end()) return;
        const AtaCapacity& capacity = known->second;
        if (capacity.native > disk.size)
            say(disk, "disk.hpa", Severity::warning,
                fmt::format("{} of {} bytes are shown, {} is behind {}", disk.size.count,
                            capacity.native.count, to_text(Bytes{capacity.native.count - disk.size.count}),
                            capacity.by_accessible_max_address ? "an Accessible Max Address"
                                                               : "a Host Protected Area"),
                "a disk that shows all it has: firmware or libata.ignore_hpa may change what it shows at the "
                "next start",
                fmt::format("hdparm -N /dev/{}", disk.name));
        if (capacity.built > capacity.native)
            say(disk, "disk.dco", Severity::warning,
                fmt::format("{} of {} bytes that it was built with, {} is behind a Device Configuration "
                            "Overlay",
                            capacity.native.count, capacity.built->count,
                            to_text(Bytes{capacity.built->count - capacity.native.count})),
                "a disk with all that it was built with",
                fmt::format("hdparm --dco-identify /dev/{}", disk.name));
    }

    bool is_hiding_something(const Disk& disk) const
    {
        const auto known = survey_.ata_capacities.find(disk.name);
        return known != survey_.ata_capacities.end() &&
               (known->second.native > disk.size || known->second.built > disk.size);
    }

    void look_at_table(const Disk& disk)
    {
        // A DOS table counts sectors in 32 bits.
        const uint64_t reach = disk.logical_sector << 32;
        if (disk.table == "dos" && disk.size.count > reach)
            say(disk, "disk.table-too-small", Severity::note,
                fmt::format("a DOS table on {}: what is beyond {} cannot be used", to_text(disk.size),
                            to_text(Bytes{reach})),
                "a GPT");
        for (const Partition& partition : disk.partitions) {
            const uint64_t end = bytes_of(Sectors{partition.start}).count + partition.size.count;
            if (end <= disk.size.count) continue;
            say(disk, "partition.past-end", Severity::critical,
                fmt::format("/dev/{} ends {} past the end of the disk", partition.name,
                            to_text(Bytes{end - disk.size.count})),
                "partitions within their disk", fmt::format("sfdisk --verify /dev/{}", disk.name));
        }
    }

    /// Disks of one model have one size. One that is smaller than its like and does not say why hides
    /// something all the same (a DCO that the firmware has frozen cannot be asked for), or was sold under a
    /// false name. Virtual disks have whatever size they were given.
    void look_at_sizes_of_a_model()
    {
        std::map<std::string, const Disk*> largest;
        for (const Disk& disk : host_.disks) {
            if (!is_of_ata(disk)) continue;
            const Disk*& known = largest[disk.model];
            if (known == nullptr || known->size < disk.size) known = &disk;
        }
        for (const Disk& disk : host_.disks) {
            const auto known = largest.find(disk.model);
            if (!is_of_ata(disk) || disk.size == known->second->size || is_hiding_something(disk)) continue;
            say(disk, "disk.smaller-than-its-model", Severity::warning,
                fmt::format("{} bytes less than {}, which is of the same model {}",
                            known->second->size.count - disk.size.count, shown(*known->second), disk.model),
                "the size of its model: an HPA or a DCO may hide the rest",
                fmt::format("hdparm -N --dco-identify /dev/{}", disk.name));
        }
    }

    static bool is_of_ata(const Disk& disk)
    {
        if (disk.model.empty() || !disk.by_id.starts_with("/dev/disk/by-id/ata-")) return false;
        return std::ranges::none_of(std::array{"QEMU", "VBOX", "VMware", "Virtual"}, [&](const char* maker) {
            return disk.model.find(maker) != std::string::npos;
        });
    }

    /// Where the data is mirrored and the swap is not, a dead disk still takes processes with it.
    void look_at_swap()
    {
        const bool has_mirror = std::ranges::any_of(host_.arrays, [](const Array& array) {
            return array.level == "raid1" || array.level == "raid10";
        });
        if (!has_mirror) return;
        for (const SwapArea& area : survey_.swaps) {
            const auto device = survey_.swap_devices.find(area.path);
            if (device == survey_.swap_devices.end()) continue;
            const Disk* disk = disk_of(host_, device->second);
            if (disk == nullptr || disk->name.starts_with("zram")) continue;
            say(*disk, "swap.not-mirrored", Severity::note,
                fmt::format("swap on /dev/{} alone, beside arrays that are mirrored", device->second),
                "swap on a mirror: a disk that dies takes the processes with it whose memory is there",
                fmt::format("swapoff /dev/{}", device->second));
        }
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
        if (host_.others.empty()) return false;
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

    const Survey& survey_;
    const Inventory& host_;
    const std::set<std::string> zvols_;  ///< kernel names
    Findings& findings_;
};

}  // namespace

void find_in_disks(const Survey& survey, Findings& findings)
{
    DiskHealth(survey, findings).look();
}

}  // namespace belay::storage
