#include "storage/parse/mdadm_examine.h"

#include <algorithm>

namespace belay::storage::parse {
namespace {

constexpr std::string_view examine_command = "mdadm --examine";

/// "Active device 1", "spare", "Journal", "Replacement device 0"
void read_role(MdadmExamine& device, std::string_view text)
{
    const std::vector<std::string_view> words = words_of(text);
    if (words.empty()) return;
    device.role = field_name(words.front());
    if (words.size() == 3 && words[1] == "device") device.slot = whole_number(words[2]);
}

/// "AA. ('A' == active, '.' == missing, 'R' == replacing)"; before mdadm 3.1 "Uu_ 1 failed", where the
/// capital is the device itself.
void read_array_state(MdadmExamine& device, std::string_view text)
{
    for (const char letter : take_word(text)) {
        const bool active = letter == 'A' || letter == 'U' || letter == 'u';
        const bool missing = letter == '.' || letter == '_';
        device.array_state.emplace_back(active          ? "active"
                                        : missing       ? "missing"
                                        : letter == 'R' ? "replacing"
                                                        : "inconsistent");
    }
}

/// "before=1968 sectors, after=-8 sectors DEVICE TOO SMALL"
void read_unused(MdadmExamine& device, std::string_view text)
{
    const auto value = [text](std::string_view name) {
        const size_t start = text.find(name);
        if (start == std::string_view::npos) return std::string_view();
        const std::string_view rest = text.substr(start + name.size());
        return rest.substr(0, rest.find(' '));
    };
    device.unused_before = times(whole_number(value("before=")), 512);
    const auto after = signed_number(value("after="));
    constexpr int64_t most = INT64_MAX / 512;
    if (after && *after <= most && *after >= -most) device.unused_after = *after * 512;
}

/// "4bf42c40 - correct", "4bf42c40 - expected 4bf42c41", "21ae5a2a correct"
void read_checksum(MdadmExamine& device, std::string_view text)
{
    device.checksum = take_word(text);
    for (const std::string_view word : words_of(text)) {
        if (word == "correct") device.checksum_correct = true;
        if (word == "expected" || word == "incorrect") device.checksum_correct = false;
    }
}

void read_sizes(MdadmExamine& device, MdadmFields& fields)
{
    // Metadata 0.90 counts in KiB. That of 1.x counts its devices in sectors, and its array in sectors before
    // mdadm 3.2, in KiB after.
    const bool old = device.version.starts_with("0");
    device.avail_dev_size = fields.bytes("avail_dev_size", {512});
    device.used_dev_size =
        old ? fields.bytes(fields.has("device_size") ? "device_size" : "used_dev_size", {1024})
            : fields.bytes("used_dev_size", {512});
    device.array_size = old ? fields.bytes("array_size", {1024}) : fields.bytes("array_size", {1024, 512});
    device.data_offset = times(fields.leading_number("data_offset"), 512);
    device.new_offset = times(fields.leading_number("new_offset"), 512);
    device.super_offset = times(fields.leading_number("super_offset"), 512);
    device.recovery_offset = times(fields.leading_number("recovery_offset"), 512);
    device.reshape_position = fields.bytes("reshape_pos_n", {1024});
    read_unused(device, fields.text("unused_space"));
    device.chunk = fields.chunk("chunk_size");
    device.rounding = fields.chunk("rounding");
    device.new_chunk = fields.chunk("new_chunksize");
}

void read_identity(MdadmExamine& device, MdadmFields& fields)
{
    device.magic = fields.text("magic");
    device.version = fields.text("version");
    device.feature_map = fields.text("feature_map");
    const MdadmName uuid = mdadm_name(fields.text(fields.has("array_uuid") ? "array_uuid" : "uuid"));
    const MdadmName name = mdadm_name(fields.text("name"));
    device.array_uuid = uuid.name;
    device.device_uuid = fields.text("device_uuid");
    device.name = name.name;
    device.homehost = name.homehost.empty() ? uuid.homehost : name.homehost;
    device.creation_time = fields.text("creation_time");
    device.update_time = fields.text("update_time");
}

void read_state(MdadmExamine& device, MdadmFields& fields)
{
    device.state = copied_words(fields.text("state"));
    device.internal_bitmap = fields.text("internal_bitmap");
    device.flags = copied_words(fields.text("flags"));
    device.bad_block_log = fields.text("bad_block_log");
    if (!device.bad_block_log.empty())
        device.bad_blocks = device.bad_block_log.find("bad blocks present") != std::string::npos;
    read_checksum(device, fields.text("checksum"));
    device.events = fields.number("events");
    device.layout = fields.text("layout");
    read_role(device, fields.text("device_role"));
    // Before mdadm 3.1: "Array Slot : 1 (0, 1, failed)".
    if (device.role.empty()) fields.leading_number("array_slot");
    read_array_state(device, fields.text("array_state"));
    const std::string delta = fields.text("delta_devices");
    device.delta_devices = signed_number(std::string_view(delta).substr(0, delta.find(' ')));
    device.new_level = fields.text("new_level");
    device.new_layout = fields.text("new_layout");
}

void read_counts(MdadmExamine& device, MdadmFields& fields)
{
    device.level = fields.text("raid_level");
    device.raid_devices = fields.number("raid_devices");
    device.total_devices = fields.number("total_devices");
    device.active_devices = fields.number("active_devices");
    device.working_devices = fields.number("working_devices");
    device.failed_devices = fields.number("failed_devices");
    device.spare_devices = fields.number("spare_devices");
    device.preferred_minor = fields.number("preferred_minor");
}

/// "Partition[0] :   2097152 sectors at     2048 (type 83)"
void read_partitions(MdadmExamine& device, MdadmFields& fields)
{
    for (const uint64_t i : fields.numbers_behind("partition_")) {
        std::string text = fields.text(fmt::format("partition_{}", i));
        if (text.empty()) text = fields.text(fmt::format("partition_{:02}", i));
        if (text.empty()) continue;
        const std::vector<std::string_view> words = words_of(text);
        MdadmPartition partition;
        partition.number = i;
        if (words.size() < 4 || words[1] != "sectors" || words[2] != "at") continue;
        partition.sectors = whole_number(words[0]);
        partition.start = whole_number(words[3]);
        const size_t bracket = text.find('('), end = text.rfind(')');
        if (bracket != std::string::npos && end != std::string::npos && end > bracket) {
            std::string_view type = std::string_view(text).substr(bracket + 1, end - bracket - 1);
            if (type.starts_with("type ")) type.remove_prefix(5);
            partition.type = trimmed(type);
        }
        device.partitions.push_back(std::move(partition));
    }
}

std::string format_of(MdadmFields& fields)
{
    if (fields.has("gpt_magic")) return "gpt";
    if (fields.has("mbr_magic")) return "mbr";
    MdadmFields copy = fields;
    const std::string magic = copy.text("magic");
    if (magic.starts_with("Intel")) return "imsm";
    return magic == "de11de11" ? "ddf" : "md";
}

/// A superblock of md ends with how it saw its array, or with the table of the devices.
Result<void> check_whole(const MdadmExamine& device, bool has_table, bool ended)
{
    const std::string name = device.device.empty() ? std::string("the device") : device.device;
    if (device.format != "md")
        return ended ? Result<void>() : cut(examine_command, "its last line has no end");
    if (!device.version.starts_with("0")) {
        if (device.array_state.size() < std::max<uint64_t>(device.raid_devices.value_or(1), 1) || !ended)
            return cut(examine_command, fmt::format("the state of the array of {} is missing", name));
        return {};
    }
    if (!has_table || !ended) return cut(examine_command, fmt::format("the table of {} is not whole", name));
    const uint64_t legs = device.raid_devices.value_or(0);
    if (device.devices.size() < legs + 1)
        return cut(examine_command,
                   fmt::format("{} has {} legs, and not every one is in the table", name, legs));
    return {};
}

Result<MdadmExamine> examine_of(const MdadmSection& section, bool ended)
{
    MdadmFields fields = section.groups.front().fields;
    MdadmExamine device;
    device.device = section.device;
    device.format = format_of(fields);
    read_identity(device, fields);
    if (device.format == "imsm") device.level = "container";
    if (device.format == "ddf") TRY(read_ddf(device, section, fields));
    if (device.format != "imsm" && device.format != "ddf") {
        read_counts(device, fields);
        read_sizes(device, fields);
    }
    read_state(device, fields);
    read_partitions(device, fields);
    device.devices = section.rows;
    device.other = fields.rest();
    if (device.format == "imsm") TRY(read_imsm(device, section));
    TRY(check_whole(device, section.has_table, ended));
    return device;
}

}  // namespace

Result<MdadmExamines> parse_mdadm_examine(std::string_view text)
{
    const MdadmText read = TRY(read_mdadm(text, examine_command));
    MdadmExamines examines{.devices = {}, .scanned = read.scanned, .exported = read.exported};
    for (const MdadmSection& section : read.sections) {
        if (!section.is_examine()) {
            if (section.device.empty()) continue;
            if (section.is_detail())
                return foreign(examine_command, section.line, "here is what `mdadm --detail` prints");
            return cut(examine_command, fmt::format("what is said of {} is not whole", section.device));
        }
        const bool last = &section == &read.sections.back();
        // The legend behind the state of an array proves its line whole.
        const bool ended = read.ended || !last || text.ends_with("replacing)") || text.ends_with("missing)");
        examines.devices.push_back(TRY(examine_of(section, ended)));
    }
    if (examines.devices.empty() && examines.scanned.empty() && examines.exported.empty())
        return no_mdadm_report(read, examine_command, "superblock with its magic number");
    if (examines.devices.empty() && !read.ended) return cut(examine_command, "its last line has no end");
    return examines;
}

}  // namespace belay::storage::parse
