// What the disks say of themselves.
//
// Counters of sectors come under several names: smartctl's drive database has them by vendor. A name that is
// not here raises nothing.

#include "storage/health_parts.h"

#include <algorithm>
#include <array>

namespace belay::storage {
namespace {

using parse::Smart;
using parse::SmartAttribute;

/// From here on a disk runs through its spare sectors; a few are within what it was built for.
constexpr uint64_t many_reallocated = 10;

/// Raw values are 48 bits, of which some vendors use the lower 32 for the counter alone.
uint64_t count_of(const SmartAttribute& attribute)
{
    return attribute.raw.value_or(0) & UINT32_MAX;
}

/// The largest of the counters that have one of these names.
template <size_t names>
uint64_t largest_of(const Smart& smart, const std::array<const char*, names>& known)
{
    uint64_t largest = 0;
    for (const char* name : known) {
        if (const SmartAttribute* attribute = smart.attribute(name))
            largest = std::max(largest, count_of(*attribute));
    }
    return largest;
}

/// Source: NVM Express base specification 2.0, SMART / Health Information, Critical Warning.
std::string nvme_warnings(uint64_t bits)
{
    constexpr std::array meanings{"its spare blocks run out",
                                  "its temperature is out of bounds",
                                  "its media has become unreliable",
                                  "it takes no writes any more",
                                  "its backup of volatile memory has failed",
                                  "its persistent memory takes no writes any more"};
    std::vector<std::string> warnings;
    for (size_t bit = 0; bit < 64; ++bit) {
        if ((bits >> bit & 1) == 0) continue;
        warnings.push_back(bit < meanings.size() ? meanings[bit] : fmt::format("warning {}", bit));
    }
    return fmt::format("{}", fmt::join(warnings, ", "));
}

class SmartHealth {
  public:
    SmartHealth(const Disk& disk, const Smart& smart, Findings& findings)
        : disk_(disk), smart_(smart), findings_(findings)
    {
    }

    void look()
    {
        if (smart_.passed == false)
            say("smart.failed", Severity::critical, "the disk says that it is failing", "a disk that passes");
        look_at_thresholds();
        look_at_sectors();
        look_at_nvme();
        look_at_wear();
    }

  private:
    void say(std::string code, Severity severity, std::string found, std::string wanted)
    {
        findings_.push_back(finding_on(disk_, std::move(code), severity, std::move(found), std::move(wanted),
                                       replace(disk_)));
    }

    void look_at_thresholds()
    {
        for (const SmartAttribute& attribute : smart_.attributes) {
            if (attribute.when_failed != "now") continue;
            say("smart.below-threshold", attribute.prefailure ? Severity::critical : Severity::warning,
                fmt::format("{} is at {}, its threshold is {}", attribute.name, attribute.value.value_or(0),
                            attribute.threshold.value_or(0)),
                "every attribute above its threshold");
        }
    }

    void look_at_sectors()
    {
        const uint64_t pending =
            std::max(smart_.pending_defects.value_or(0),
                     largest_of(smart_, std::array{"Current_Pending_Sector", "Total_Pending_Sectors",
                                                   "Current_Pending_ECC_Cnt"}));
        if (pending > 0)
            say("smart.pending-sectors", Severity::warning,
                fmt::format("{} sectors that could not be read, and wait to be written anew", pending),
                "none");
        const uint64_t reallocated =
            std::max(smart_.grown_defects.value_or(0),
                     largest_of(smart_, std::array{"Reallocated_Sector_Ct", "Reallocate_NAND_Blk_Cnt",
                                                   "Retired_Block_Count", "Reallocated_Block_Count"}));
        if (reallocated > 0)
            say("smart.reallocated-sectors",
                reallocated < many_reallocated ? Severity::note : Severity::warning,
                fmt::format("{} sectors were replaced by spare ones", reallocated),
                "none, or few that stay few");
        look_at_uncorrectable();
    }

    void look_at_uncorrectable()
    {
        uint64_t uncorrectable =
            largest_of(smart_, std::array{"Offline_Uncorrectable", "Reported_Uncorrect",
                                          "Reported_Uncorrectable_Errors", "Uncorrectable_Error_Cnt"});
        for (const parse::SmartErrorCounter& counter : smart_.error_counters)
            uncorrectable = std::max(uncorrectable, counter.uncorrected.value_or(0));
        if (uncorrectable > 0)
            say("smart.uncorrectable", Severity::warning,
                fmt::format("{} errors that the disk could not correct", uncorrectable), "none");
    }

    void look_at_nvme()
    {
        if (!smart_.nvme) return;
        if (smart_.nvme->critical_warning.value_or(0) != 0)
            say("smart.nvme-warning", Severity::critical, nvme_warnings(*smart_.nvme->critical_warning),
                "no critical warning");
        if (smart_.nvme->media_errors.value_or(0) != 0)
            say("smart.media-errors", Severity::warning,
                fmt::format("{} times data could not be read back whole", *smart_.nvme->media_errors),
                "none");
    }

    void look_at_wear()
    {
        if (!smart_.wear) return;
        if (const auto used = fullness(static_cast<double>(smart_.wear->percent_used)))
            say("smart.worn", used->severity,
                fmt::format("{} of its life is used ({})", used->text, smart_.wear->source),
                "less than 80 % used");
    }

    const Disk& disk_;
    const Smart& smart_;
    Findings& findings_;
};

}  // namespace

void find_in_smart(const Survey& survey, Findings& findings)
{
    for (const Disk& disk : survey.inventory.disks) {
        const auto smart = survey.smart.find(disk.name);
        if (smart != survey.smart.end()) SmartHealth(disk, smart->second, findings).look();
    }
}

}  // namespace belay::storage
