// What is not as it should be with md arrays.

#include "storage/health_parts.h"

#include <algorithm>

namespace belay::storage {
namespace {

/// mdadm makes a bitmap by itself from this size on (mdadm(8), --bitmap): a smaller array is copied soon
/// enough without one.
constexpr Bytes bitmap_from = {100ULL << 30};

/// Halves of a mirror may differ by this part of the smaller before it counts: disks of one nominal size do.
constexpr uint64_t same_size_within = 100;

bool is_redundant(const Array& array)
{
    return array.level.starts_with("raid") && array.level != "raid0";
}

class ArrayHealth {
  public:
    ArrayHealth(const Survey& survey, Findings& findings)
        : survey_(survey), host_(survey.inventory), findings_(findings)
    {
        for (const auto& [lower, upper] : host_.holders) held_.insert(lower);
        for (const Disk& disk : host_.disks) {
            sizes_[disk.name] = disk.size;
            for (const Partition& partition : disk.partitions) sizes_[partition.name] = partition.size;
        }
    }

    void look()
    {
        for (const Array& array : host_.arrays) look_at(array);
        look_for_left_out();
        for (const WaitingArray& array : survey_.waiting) look_at(array);
    }

  private:
    void say(const Array& array, std::string code, Severity severity, std::string found, std::string wanted,
             std::string mend = {})
    {
        findings_.push_back(finding_on(array, std::move(code), severity, std::move(found), std::move(wanted),
                                       std::move(mend)));
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
                    : replace(*disk));
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
            const auto size = sizes_.find(member.device);
            if (size == sizes_.end()) return;
            smallest = std::min(smallest, size->second);
            largest = std::max(largest, size->second);
        }
        if (largest.count <= smallest.count ||
            largest.count - smallest.count <= smallest.count / same_size_within)
            return;
        say(array, "md.unequal-members", Severity::note,
            fmt::format("members of {} to {}", to_text(smallest), to_text(largest)),
            "members of one size: what the larger ones have more is not used");
    }

    /// Superblocks of an array that runs without these devices.
    void look_for_left_out()
    {
        const auto look_in = [&](const std::string& device, const Content& content) {
            if (content.type != "linux_raid_member" || held_.contains(device)) return;
            const auto array = std::ranges::find(host_.arrays, content.uuid, &Array::uuid);
            if (array == host_.arrays.end()) return;
            say(*array, "md.member-left-out", Severity::warning,
                fmt::format("/dev/{} carries its superblock and is not in it", device),
                "every member in the array",
                fmt::format("mdadm --manage /dev/{} --re-add /dev/{}", array->name, device));
        };
        for (const Disk& disk : host_.disks) {
            look_in(disk.name, disk.content);
            for (const Partition& partition : disk.partitions) look_in(partition.name, partition.content);
        }
    }

    void look_at(const WaitingArray& array)
    {
        std::string members = fmt::format("/dev/{}", fmt::join(array.members, ", /dev/"));
        if (array.active && array.wanted)
            members = fmt::format("{} of {} members are there ({})", *array.active, *array.wanted, members);
        const bool is_assembled = !array.assembled.empty();
        const std::string name = is_assembled ? "/dev/" + array.assembled : "array " + array.uuid;
        findings_.push_back(
            {is_assembled ? "md.inactive" : "md.not-assembled",
             is_assembled ? Severity::critical : Severity::warning, "md:" + array.uuid, name,
             fmt::format("{}: {}", is_assembled ? "it is assembled and does not run" : "it does not run",
                         members),
             "a running array, or disks without its superblocks",
             is_assembled ? fmt::format("mdadm --run /dev/{}", array.assembled) : "mdadm --assemble --scan"});
    }

    const Survey& survey_;
    const Inventory& host_;
    Findings& findings_;
    std::set<std::string> held_;          ///< devices that something stands on
    std::map<std::string, Bytes> sizes_;  ///< of disks and partitions
};

}  // namespace

void find_in_arrays(const Survey& survey, Findings& findings)
{
    ArrayHealth(survey, findings).look();
}

}  // namespace belay::storage
