// How vendors say that a solid-state disk wears out.

#include "storage/parse/fields.h"
#include "storage/parse/smartctl.h"

#include <array>

namespace belay::storage::parse {
namespace {

/// What of an attribute counts: its normalised value falls from 100 as life goes, or its raw number is
/// percent.
enum class Reading { value_left, raw_left, raw_used };

struct Source {
    std::string_view name;
    Reading reading;
};

/// By smartctl's names, the plainest first. Names under which vendors count erases alone, or spare blocks,
/// say nothing of life left and are not here.
constexpr std::array<Source, 20> sources{{
    {"Percent_Lifetime_Remain", Reading::value_left}, {"Percent_Lifetime_Used", Reading::raw_used},
    {"Percent_Life_Remaining", Reading::value_left},  {"Remaining_Lifetime_Perc", Reading::raw_left},
    {"Perc_Rated_Life_Remain", Reading::value_left},  {"Perc_Rated_Life_Used", Reading::raw_used},
    {"Lifetime_Remaining%", Reading::value_left},     {"Lifetime_Left", Reading::value_left},
    {"SSD_Life_Left", Reading::value_left},           {"SSD_Life_Left_Perc", Reading::value_left},
    {"Drive_Life_Remaining%", Reading::value_left},   {"Drive_Remaining_Life", Reading::value_left},
    {"Remaining_Life", Reading::value_left},          {"Remain_Life_Left", Reading::value_left},
    {"SSD_Remaining_Life_Perc", Reading::value_left}, {"Media_Wearout_Indicator", Reading::value_left},
    {"Total_Wearout_Indicator", Reading::value_left}, {"Wear_Leveling_Count", Reading::value_left},
    {"Wear_Range_Delta_Left", Reading::value_left},   {"Media_Wear_Indicator", Reading::value_left},
}};

std::optional<uint64_t> percent_used(const SmartAttribute& attribute, Reading reading)
{
    const std::optional<uint64_t>& number = reading == Reading::value_left ? attribute.value : attribute.raw;
    // Some disks begin at 200 or 253: of these nobody knows what a hundredth is.
    if (!number || *number > 100) return std::nullopt;
    return reading == Reading::raw_used ? *number : 100 - *number;
}

/// Samsung's Wear_Leveling_Count falls with life. Others count erases under that name and may leave the
/// normalised value at 100 for ever.
bool tells(const Smart& smart, const SmartAttribute& attribute)
{
    if (attribute.name != "Wear_Leveling_Count" || attribute.value != 100) return true;
    const std::string who = smart.model + smart.family;
    return who.find("Samsung") != std::string::npos || who.find("SAMSUNG") != std::string::npos;
}

}  // namespace

std::optional<SmartWear> smart_wear(const Smart& smart, const Json& json)
{
    if (smart.nvme && smart.nvme->percentage_used)
        return SmartWear{*smart.nvme->percentage_used, "percentage_used"};
    if (const auto used = number_of(json, "scsi_percentage_used_endurance_indicator"))
        return SmartWear{*used, "scsi_percentage_used_endurance_indicator"};
    if (const auto used = number_of(value_of(json, "endurance_used"), "current_percent"))
        return SmartWear{*used, "endurance_used"};
    // The page of statistics names it alike for every vendor.
    for (const Json& page : value_at(json, {"ata_device_statistics", "pages"})) {
        for (const Json& row : value_of(page, "table")) {
            const auto used = number_of(row, "value");
            if (text_of(row, "name") == "Percentage Used Endurance Indicator" && used && *used <= 255)
                return SmartWear{*used, "Percentage Used Endurance Indicator"};
        }
    }
    for (const Source& source : sources) {
        const SmartAttribute* attribute = smart.attribute(source.name);
        if (attribute == nullptr || !tells(smart, *attribute)) continue;
        if (const auto used = percent_used(*attribute, source.reading))
            return SmartWear{*used, attribute->name};
    }
    return std::nullopt;
}

}  // namespace belay::storage::parse
