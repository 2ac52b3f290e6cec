// What must not leave the machine in a masked recording.

#include "storage/survey.h"

#include <algorithm>
#include <charconv>

namespace belay::storage {
namespace {

/// What is shorter would be found in other text; a number in decimal more so than a name.
constexpr size_t shortest_masked_name = 4, shortest_masked_number = 8;

/// "0x5000c500a1b2c3d4", "eui.0025385b61b04b1c": the digits behind the prefix.
std::string_view wwn_digits(std::string_view wwn)
{
    for (const std::string_view prefix : {"0x", "eui."}) {
        if (wwn.starts_with(prefix)) return wwn.substr(prefix.size());
    }
    return {};
}

/// smartctl writes the part of a world-wide name that is the disk's own as a number in decimal: the last 36
/// bits of an NAA name, the last 40 of an EUI-64.
std::string own_number(std::string_view wwn)
{
    const std::string_view digits = wwn_digits(wwn);
    uint64_t value = 0;
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (digits.size() != 16 || problem != std::errc{} || end != digits.data() + digits.size()) return {};
    return fmt::format("{}", value & ((uint64_t{1} << (wwn.starts_with("0x") ? 36 : 40)) - 1));
}

void add_wwn(std::vector<std::string>& secrets, const std::string& wwn)
{
    if (wwn.size() >= shortest_masked_name) secrets.push_back(wwn);
    // scsi-35000c500a1b2c3d4 is a name under /dev/disk/by-id, and so are those of multipath.
    const std::string_view digits = wwn_digits(wwn);
    if (digits.size() >= shortest_masked_number) secrets.emplace_back(digits);
    const std::string number = own_number(wwn);
    if (number.size() >= shortest_masked_number) secrets.push_back(number);
}

/// What is the disk's own in a name that udev makes: of "ata-WDC_WD30EFRX-68_WD-WMC4N17-part1" it is
/// WD-WMC4N17, of "wwn-0x5000c500a1b2c3d4" the number, of "virtio-S1234" S1234.
std::string_view own_part(std::string_view name)
{
    const size_t part = name.rfind("-part");
    if (part != std::string_view::npos) name = name.substr(0, part);
    name.remove_prefix(std::min(name.find('-') + 1, name.size()));
    const std::string_view last = name.substr(name.rfind('_') + 1);
    // "nvme-Samsung_SSD_980_S64DNF0R_1": the namespace says nothing without what is before it.
    return last.size() >= shortest_masked_name ? last : name;
}

void add_name(std::vector<std::string>& secrets, std::string_view text)
{
    constexpr std::string_view folder = "/dev/disk/by-id/";
    const size_t at = text.find(folder);
    if (at == std::string_view::npos) return;
    const std::string own(own_part(text.substr(at + folder.size())));
    if (own.size() >= shortest_masked_name) secrets.push_back(own);
}

/// A disk that is gone has its name left in its pool.
void add_vdev(std::vector<std::string>& secrets, const Pool& pool, const parse::ZpoolVdev& vdev)
{
    for (const parse::ZpoolVdev& child : vdev.children) add_vdev(secrets, pool, child);
    if (pool.devices.contains(vdev.name)) return;
    add_name(secrets, vdev.name);
    add_name(secrets, vdev.note);  // "was /dev/disk/by-id/..."
}

}  // namespace

std::vector<std::string> identities(const Survey& survey)
{
    std::vector<std::string> secrets;
    for (const Disk& disk : survey.inventory.disks) {
        if (disk.serial.size() >= shortest_masked_name) secrets.push_back(disk.serial);
        add_wwn(secrets, disk.wwn);
    }
    for (const auto& [disk, smart] : survey.smart) {
        if (smart.serial.size() >= shortest_masked_name) secrets.push_back(smart.serial);
        add_wwn(secrets, smart.wwn);
    }
    for (const Pool& pool : survey.pools) {
        if (pool.status.config) add_vdev(secrets, pool, *pool.status.config);
        for (const auto& [group, vdevs] : pool.status.groups) {
            for (const parse::ZpoolVdev& vdev : vdevs) add_vdev(secrets, pool, vdev);
        }
    }
    return secrets;
}

}  // namespace belay::storage
