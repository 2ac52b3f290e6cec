#include "storage/parse/mdadm_detail.h"

#include <algorithm>
#include <array>

namespace belay::storage::parse {
namespace {

constexpr std::string_view detail_command = "mdadm --detail";
/// No metadata has room for more legs.
constexpr uint64_t most_legs = 4096;

/// "clean, degraded, recovering (DELAYED)"
void read_state(MdadmDetail& array, std::string_view text)
{
    if (const size_t bracket = text.find('('); bracket != std::string_view::npos && text.ends_with(')')) {
        array.waits = text.substr(bracket + 1, text.size() - bracket - 2);
        text = text.substr(0, bracket);
    }
    while (!text.empty()) {
        const size_t comma = std::min(text.find(','), text.size());
        const std::string_view word = trimmed(text.substr(0, comma));
        if (!word.empty()) array.state.emplace_back(word);
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
}

/// 57, or of metadata 0.90 "0.57": the upper and the lower half.
std::optional<uint64_t> events_of(std::string_view text)
{
    const size_t point = text.find('.');
    if (point == std::string_view::npos) return whole_number(text);
    const auto upper = whole_number(text.substr(0, point)), lower = whole_number(text.substr(point + 1));
    if (!upper || !lower || *upper > UINT32_MAX || *lower > UINT32_MAX) return std::nullopt;
    return (*upper << 32) + *lower;
}

void read_progress(MdadmDetail& array, MdadmFields& fields)
{
    for (const char* action : {"rebuild", "resync", "reshape", "check", "recovery"}) {
        const std::string text = fields.text(fmt::format("{}_status", action));
        if (text.empty()) continue;
        array.sync_action = action;
        const auto percent = whole_number(std::string_view(text).substr(0, text.find('%')));
        if (percent && *percent <= 100) array.sync_percent = percent;
    }
    std::string delta = fields.text("delta_devices");
    array.delta_devices = signed_number(std::string_view(delta).substr(0, delta.find(',')));
    array.new_level = fields.text("new_level");
    array.new_layout = fields.text("new_layout");
    array.new_chunk = fields.chunk("new_chunksize");
}

void read_counts(MdadmDetail& array, MdadmFields& fields)
{
    array.raid_devices = fields.number("raid_devices");
    array.total_devices = fields.number("total_devices");
    array.active_devices = fields.number("active_devices");
    array.working_devices = fields.number("working_devices");
    array.failed_devices = fields.number("failed_devices");
    array.spare_devices = fields.number("spare_devices");
    array.preferred_minor = fields.number("preferred_minor");
}

void read_identity(MdadmDetail& array, MdadmFields& fields)
{
    const MdadmName name = mdadm_name(fields.text("name"));
    const MdadmName uuid = mdadm_name(fields.text("uuid"));
    array.name = name.name;
    array.homehost = name.homehost.empty() ? uuid.homehost : name.homehost;
    array.uuid = uuid.name;
    array.events = events_of(fields.text("events"));
    array.container_guid = fields.text("container_guid");
    array.seq = fields.text("seq");
    array.virtual_disks = fields.number("virtual_disks");
    const std::string members = fields.text("member_arrays");
    for (const std::string_view word : words_of(members)) array.member_arrays.emplace_back(word);
    const std::string container = fields.text("container");
    const size_t comma = container.find(", member ");
    array.container = container.substr(0, comma);
    if (comma != std::string::npos) array.member = container.substr(comma + 9);
}

MdadmDetail detail_of(const MdadmSection& section)
{
    MdadmFields fields = section.groups.front().fields;
    MdadmDetail array;
    array.device = section.device;
    array.version = fields.text("version");
    array.level = fields.text("raid_level");
    array.creation_time = fields.text("creation_time");
    array.update_time = fields.text("update_time");
    array.array_size = fields.bytes("array_size", {1024});
    // Before mdadm 2.6.
    array.used_dev_size = fields.bytes(fields.has("device_size") ? "device_size" : "used_dev_size", {1024});
    array.persistence = fields.text("persistence");
    array.intent_bitmap = fields.text("intent_bitmap");
    array.consistency_policy = fields.text("consistency_policy");
    array.layout = fields.text("layout");
    array.chunk = fields.chunk("chunk_size");
    array.rounding = fields.chunk("rounding");
    read_counts(array, fields);
    read_state(array, fields.text("state"));
    read_progress(array, fields);
    read_identity(array, fields);
    array.devices = section.rows;
    array.other = fields.rest();
    return array;
}

/// Each leg has its row, if only to say "removed": a table without is not whole.
Result<void> check_table(const MdadmDetail& array, const MdadmSection& section)
{
    const std::string name = array.device.empty() ? std::string("the array") : array.device;
    if (!section.has_table)
        return cut(detail_command, fmt::format("the table of the devices of {} is missing", name));
    const uint64_t legs = array.raid_devices.value_or(0);
    if (legs > most_legs)
        return foreign(detail_command, section.line, fmt::format("{} has {} legs", name, legs));
    std::vector<bool> seen(legs);
    uint64_t there = 0;
    for (const MdadmRow& row : array.devices) {
        if (row.slot && *row.slot < legs) seen[*row.slot] = true;
        if (row.major.value_or(0) != 0 || row.minor.value_or(0) != 0) ++there;
    }
    if (std::ranges::find(seen, false) != seen.end())
        return cut(detail_command,
                   fmt::format("{} has {} legs, and not every one is in the table", name, legs));
    // Kernels of the days of 0.90 miscounted.
    if (!array.version.starts_with("0") && there < array.total_devices.value_or(0))
        return cut(detail_command, fmt::format("{} has {} devices, and {} are in the table", name,
                                               *array.total_devices, there));
    return {};
}

}  // namespace

Result<MdadmDetails> parse_mdadm_detail(std::string_view text)
{
    const MdadmText read = TRY(read_mdadm(text, detail_command));
    MdadmDetails details{.arrays = {}, .scanned = read.scanned, .exported = read.exported};
    for (const MdadmSection& section : read.sections) {
        if (!section.is_detail()) {
            if (section.device.empty()) continue;
            if (section.is_examine())
                return foreign(detail_command, section.line, "here is what `mdadm --examine` prints");
            return cut(detail_command, fmt::format("what is said of {} is not whole", section.device));
        }
        details.arrays.push_back(detail_of(section));
        TRY(check_table(details.arrays.back(), section));
    }
    if (details.arrays.empty() && details.scanned.empty() && details.exported.empty())
        return no_mdadm_report(read, detail_command, "array with its version and level");
    if (!read.ended) return cut(detail_command, "its last line has no end");
    return details;
}

}  // namespace belay::storage::parse
