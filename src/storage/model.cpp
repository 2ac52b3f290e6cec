#include "storage/model.h"

namespace belay::storage {
namespace {

bool answers_to(const Disk& disk, std::string_view said)
{
    if (said == disk.serial || said == disk.wwn || said == disk.name || said == "/dev/" + disk.name)
        return true;
    return std::ranges::any_of(disk.links, [&](const std::string& link) {
        return said == link || said == std::string_view(link).substr(link.rfind('/') + 1);
    });
}

}  // namespace

const Member* Array::member(std::string_view device) const
{
    const auto found = std::ranges::find(members, device, &Member::device);
    return found == members.end() ? nullptr : &*found;
}

uint64_t Array::members_in_sync() const
{
    return static_cast<uint64_t>(std::ranges::count_if(members, &Member::in_sync));
}

bool are_twins(const std::string& serial, const std::string& wwn, const std::string& other_serial,
               const std::string& other_wwn)
{
    return serial == other_serial && wwn == other_wwn && !(serial.empty() && wwn.empty());
}

std::string shown(const Disk& disk)
{
    const std::string device = "/dev/" + disk.name;
    return disk.serial.empty() ? device : fmt::format("{} ({})", disk.serial, device);
}

Result<Disk> Inventory::disk(std::string_view said) const
{
    const Disk* found = nullptr;
    std::string known;
    for (const Disk& disk : disks) {
        known += (known.empty() ? "" : ", ") + shown(disk);
        if (said.empty() || !answers_to(disk, said)) continue;
        if (found != nullptr)
            return fail(ErrorKind::usage,
                        fmt::format("two disks answer to {}: {} and {}", said, shown(*found), shown(disk)),
                        "name it by a path under /dev/disk/by-id");
        found = &disk;
    }
    if (found == nullptr)
        return fail(
            ErrorKind::not_found,
            fmt::format("no disk {} on this host; there are {}", said, known.empty() ? "none" : known),
            "belay storage show");
    return *found;
}

Result<Array> Inventory::array(std::string_view said) const
{
    std::vector<std::string> known;
    for (const Array& array : arrays) {
        known.push_back("/dev/" + array.name);
        const std::string_view path = array.path;
        const bool is_meant = said == array.name || said == known.back() || said == array.uuid ||
                              (!path.empty() && (said == path || said == path.substr(path.rfind('/') + 1)));
        if (!is_meant) continue;
        if (array.path.empty())
            return fail(ErrorKind::refused,
                        fmt::format("/dev/{} has no stable name under /dev/disk/by-id", array.name),
                        "udevadm trigger --subsystem-match=block");
        return array;
    }
    return fail(ErrorKind::not_found,
                fmt::format("no array {} on this host; there are {}", said,
                            known.empty() ? "none" : fmt::format("{}", fmt::join(known, ", "))),
                "belay storage show");
}

const Array* Inventory::array_named(std::string_view name) const
{
    const auto found = std::ranges::find(arrays, name, &Array::name);
    return found == arrays.end() ? nullptr : &*found;
}

std::vector<std::string> Inventory::on(std::string_view device) const
{
    std::vector<std::string> names;
    for (const auto& [lower, upper] : holders) {
        if (lower == device) names.push_back(upper);
    }
    return names;
}

bool Mount::is_read_only() const
{
    return options == "ro" || options.starts_with("ro,");
}

std::vector<const Mount*> Inventory::mounts_of(std::string_view device) const
{
    std::vector<const Mount*> found;
    for (const Mount& mount : mounts) {
        if (mount.device == device) found.push_back(&mount);
    }
    return found;
}

}  // namespace belay::storage
