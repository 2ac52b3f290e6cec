// Whether a BIOS could start the host from each disk of the mirror that holds /boot, and will after the next
// upgrade of GRUB.

#include "storage/health_parts.h"

#include <algorithm>

namespace belay::storage {
namespace {

std::string what_is_there(const BootCode& code)
{
    switch (code.code) {
        case boot_code::Code::none:
            return "no boot code: a BIOS does not start the host from it";
        case boot_code::Code::other:
            return "boot code that is not GRUB's";
        case boot_code::Code::grub:
            break;
    }
    return "the first sector of GRUB, and no rest where it looks for it";
}

/// On a GPT grub-install wants a partition for it.
bool has_room(const Disk& disk)
{
    return disk.table != "gpt" || std::ranges::any_of(disk.partitions, [](const Partition& partition) {
               return boot_code::is_bios_boot(partition.type);
           });
}

std::string path_of(const Disk& disk)
{
    return disk.by_id.empty() ? "/dev/" + disk.name : disk.by_id;
}

void find_codes(const Survey& survey, Findings& findings)
{
    for (const BootCode& code : survey.bios.codes) {
        if (code.whole) continue;
        const Disk& disk = *disk_of(survey.inventory, code.disk);
        const bool room = has_room(disk);
        findings.push_back(finding_on(disk, "boot.no-code", Severity::warning,
                                      what_is_there(code) + (room ? "" : ", and no BIOS boot partition"),
                                      "GRUB, as on the other disks of the mirror",
                                      room ? boot_code::install_hint(path_of(disk)) : replace(disk)));
    }
}

void find_renewed(const Survey& survey, Findings& findings)
{
    constexpr const char* mend = "dpkg-reconfigure grub-pc";
    const auto& renewed = survey.bios.renewed;
    for (const auto& [name, device] : renewed) {
        if (device.empty())
            findings.push_back(
                {"boot.grub-device-gone", Severity::warning, name, name,
                 "grub-pc is to install GRUB on it, and it is not there: its next upgrade fails",
                 "disks that are there", mend});
    }
    for (const BootCode& code : survey.bios.codes) {
        const auto leads_to = [&](const auto& one) { return one.second == code.disk; };
        if (!code.whole || renewed.empty() || std::ranges::any_of(renewed, leads_to)) continue;
        findings.push_back(finding_on(*disk_of(survey.inventory, code.disk), "boot.not-renewed",
                                      Severity::warning,
                                      "an upgrade of grub-pc leaves its boot code as it is, and what that "
                                      "loads from /boot is another then",
                                      "every disk with GRUB among those of grub-pc", mend));
    }
}

}  // namespace

void find_in_boot_code(const Survey& survey, Findings& findings)
{
    // Where no disk has it whole, something else starts the host: another loader, or a hypervisor.
    if (std::ranges::none_of(survey.bios.codes, &BootCode::whole)) return;
    find_codes(survey, findings);
    find_renewed(survey, findings);
}

}  // namespace belay::storage
