// The containers that mdadm --examine knows: Intel's (imsm) and SNIA's (ddf).

#include "storage/parse/mdadm_examine.h"

namespace belay::storage::parse {
namespace {

constexpr std::string_view container_command = "mdadm --examine";

/// What stands before " <-- ": where a migration leads; behind it is where it comes from.
std::string target_of(const std::string& text)
{
    return text.substr(0, text.find(" <-- "));
}

MdadmDisk imsm_disk(const MdadmGroup& group, MdadmFields fields)
{
    MdadmDisk disk;
    disk.label = group.name;
    for (const auto& [name, value] : fields.rest()) {
        if (name.ends_with("serial")) disk.serial = value;
    }
    disk.state = copied_words(fields.text("state"));
    disk.size = fields.bytes("usable_size", {512, 4096});
    return disk;
}

MdadmVolume imsm_volume(const MdadmGroup& group, MdadmFields fields)
{
    MdadmVolume volume;
    volume.name = group.name;
    volume.uuid = fields.text("uuid");
    volume.level = target_of(fields.text("raid_level"));
    volume.state = target_of(fields.text("map_state"));
    volume.members = whole_number(target_of(fields.text("members")));
    const std::string slots = target_of(fields.text("slots"));
    if (slots.size() > 2 && slots.starts_with('[') && slots.ends_with(']'))
        volume.slots = slots.substr(1, slots.size() - 2);
    volume.slot = fields.leading_number("this_slot");
    const auto sector = fields.number("sector_size").value_or(512);
    volume.array_size = fields.bytes("array_size", {sector});
    volume.per_device_size = fields.bytes("per_dev_size", {sector});
    volume.chunk = with_unit(target_of(fields.text("chunk_size")));
    volume.migrate_state = fields.text("migrate_state");
    volume.other = fields.rest();
    return volume;
}

/// "   0    d32b14d7    786432K /dev/vda        active/Online"
std::optional<MdadmDisk> ddf_disk(std::string_view text)
{
    const std::vector<std::string_view> words = words_of(text);
    if (words.size() < 4 || !whole_number(words[0])) return std::nullopt;
    MdadmDisk disk;
    disk.label = words[0];
    disk.refno = words[1];
    disk.size = with_unit(words[2]);
    size_t next = 3;
    if (words[next].starts_with("/dev/")) disk.device = words[next++];
    std::string last;
    for (; next < words.size(); ++next) last += fmt::format("{}{}", last.empty() ? "" : " ", words[next]);
    const size_t slash = std::min(last.find('/'), last.size());
    disk.type = last.substr(0, slash);
    for (std::string_view rest = std::string_view(last).substr(std::min(slash + 1, last.size()));
         !rest.empty();) {
        const size_t comma = std::min(rest.find(','), rest.size());
        disk.state.emplace_back(trimmed(rest.substr(0, comma)));
        rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    return disk;
}

/// "2 (1@0K 0@0K)", "128 sectors"
MdadmVolume ddf_volume(MdadmFields& fields, uint64_t number)
{
    const auto name = [number](const char* field) { return fmt::format("{}_{}", field, number); };
    MdadmVolume volume;
    volume.uuid = fields.text(name("vd_guid"));
    volume.name = fields.text(name("name"));
    volume.level = fields.text(name("raid_level"));
    volume.state = fields.text(name("state"));
    volume.members = fields.leading_number(name("raid_devices"));
    volume.chunk = times(fields.leading_number(name("chunk_size")), 512);
    volume.per_device_size = fields.bytes(name("device_size"), {1024});
    volume.array_size = fields.bytes(name("array_size"), {1024});
    for (const char* field : {"unit", "init_state", "access", "secondary_position", "secondary_level"}) {
        const std::string text = fields.text(name(field));
        if (!text.empty()) volume.other.emplace(field, text);
    }
    return volume;
}

}  // namespace

Result<void> read_imsm(MdadmExamine& device, const MdadmSection& section)
{
    for (const MdadmGroup& group : section.groups) {
        if (group.fields.has("raid_level"))
            device.volumes.push_back(imsm_volume(group, group.fields));
        else if (group.fields.has("usable_size"))
            device.disks.push_back(imsm_disk(group, group.fields));
    }
    MdadmFields fields = section.groups.front().fields;
    const auto disks = fields.number("disks"), volumes = fields.number("raid_devices");
    if (!disks || !volumes || device.disks.size() < *disks || device.volumes.size() < *volumes)
        return cut(container_command, "the container has more disks or volumes than are shown");
    return {};
}

Result<void> read_ddf(MdadmExamine& device, const MdadmSection& section, MdadmFields& fields)
{
    device.level = "container";
    const auto volumes = fields.number("virtual_disks");
    for (const uint64_t i : fields.numbers_behind("vd_guid_"))
        device.volumes.push_back(ddf_volume(fields, i));
    for (const Line& line : section.table_lines) {
        if (auto disk = ddf_disk(line.text)) device.disks.push_back(std::move(*disk));
    }
    if (!volumes || device.volumes.size() < *volumes || device.disks.empty())
        return cut(container_command, "the container has more disks or volumes than are shown");
    return {};
}

}  // namespace belay::storage::parse
