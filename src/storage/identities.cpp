// What must not leave the machine in a masked recording.

#include "storage/survey.h"

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
    return secrets;
}

}  // namespace belay::storage
