#include "storage/parse/fields.h"
#include "storage/parse/mdadm_detail.h"
#include "storage/parse/mdadm_examine.h"

namespace belay::storage::parse {
namespace {

Json json_of(const MdadmRow& row)
{
    Json json = Json::object();
    put(json, "number", row.number);
    put(json, "major", row.major);
    put(json, "minor", row.minor);
    put(json, "slot", row.slot);
    put(json, "state", row.state);
    put(json, "device", row.device);
    return json;
}

Json json_of(const MdadmScanned& scanned)
{
    Json json = {{"inactive", scanned.inactive}};
    put(json, "device", scanned.device);
    for (const auto& [name, value] : scanned.words) json[name] = value;
    put(json, "devices", scanned.devices);
    return json;
}

Json json_of(const MdadmPartition& partition)
{
    Json json = {{"number", partition.number}};
    put(json, "sectors", partition.sectors);
    put(json, "start_sector", partition.start);
    put(json, "type", partition.type);
    return json;
}

Json json_of(const MdadmVolume& volume)
{
    Json json = Json::object();
    put(json, "name", volume.name);
    put(json, "uuid", volume.uuid);
    put(json, "level", volume.level);
    put(json, "state", volume.state);
    put(json, "members", volume.members);
    put(json, "slots", volume.slots);
    put(json, "slot", volume.slot);
    put(json, "array_size", volume.array_size);
    put(json, "per_device_size", volume.per_device_size);
    put(json, "chunk", volume.chunk);
    put(json, "migrate_state", volume.migrate_state);
    put(json, "other", volume.other);
    return json;
}

Json json_of(const MdadmDisk& disk)
{
    Json json = Json::object();
    put(json, "label", disk.label);
    put(json, "serial", disk.serial);
    put(json, "refno", disk.refno);
    put(json, "device", disk.device);
    put(json, "type", disk.type);
    put(json, "state", disk.state);
    put(json, "size", disk.size);
    return json;
}

/// What both reports know by the same names.
template <typename Report>
void put_common(Json& json, const Report& report)
{
    put(json, "device", report.device);
    put(json, "version", report.version);
    put(json, "level", report.level);
    put(json, "name", report.name);
    put(json, "homehost", report.homehost);
    put(json, "creation_time", report.creation_time);
    put(json, "update_time", report.update_time);
    put(json, "array_size", report.array_size);
    put(json, "used_dev_size", report.used_dev_size);
    put(json, "raid_devices", report.raid_devices);
    put(json, "total_devices", report.total_devices);
    put(json, "active_devices", report.active_devices);
    put(json, "working_devices", report.working_devices);
    put(json, "failed_devices", report.failed_devices);
    put(json, "spare_devices", report.spare_devices);
    put(json, "preferred_minor", report.preferred_minor);
    put(json, "state", report.state);
    put(json, "layout", report.layout);
    put(json, "chunk", report.chunk);
    put(json, "rounding", report.rounding);
    put(json, "delta_devices", report.delta_devices);
    put(json, "new_level", report.new_level);
    put(json, "new_layout", report.new_layout);
    put(json, "new_chunk", report.new_chunk);
    put(json, "events", report.events);
    put(json, "other", report.other);
}

Json json_of(const MdadmDetail& array)
{
    Json json = Json::object();
    put_common(json, array);
    put(json, "uuid", array.uuid);
    put(json, "container", array.container);
    put(json, "member", array.member);
    put(json, "persistence", array.persistence);
    put(json, "intent_bitmap", array.intent_bitmap);
    put(json, "consistency_policy", array.consistency_policy);
    put(json, "waits", array.waits);
    if (!array.sync_action.empty()) {
        json["sync"] = {{"action", array.sync_action}};
        put(json["sync"], "percent", array.sync_percent);
    }
    put(json, "container_guid", array.container_guid);
    put(json, "seq", array.seq);
    put(json, "virtual_disks", array.virtual_disks);
    put(json, "member_arrays", array.member_arrays);
    json["devices"] = Json::array();
    for (const MdadmRow& row : array.devices) json["devices"].push_back(json_of(row));
    return json;
}

Json json_of(const MdadmExamine& device);

template <typename T>
void put_list(Json& json, const char* key, const std::vector<T>& list)
{
    for (const T& one : list) json[key].push_back(json_of(one));
}

void put_superblock(Json& json, const MdadmExamine& device)
{
    put(json, "magic", device.magic);
    put(json, "feature_map", device.feature_map);
    put(json, "array_uuid", device.array_uuid);
    put(json, "device_uuid", device.device_uuid);
    put(json, "avail_dev_size", device.avail_dev_size);
    put(json, "data_offset", device.data_offset);
    put(json, "new_offset", device.new_offset);
    put(json, "super_offset", device.super_offset);
    put(json, "recovery_offset", device.recovery_offset);
    put(json, "unused_before", device.unused_before);
    put(json, "unused_after", device.unused_after);
    put(json, "internal_bitmap", device.internal_bitmap);
    put(json, "flags", device.flags);
    put(json, "bad_block_log", device.bad_block_log);
    put(json, "bad_blocks", device.bad_blocks);
    put(json, "checksum", device.checksum);
    put(json, "checksum_correct", device.checksum_correct);
    put(json, "role", device.role);
    put(json, "slot", device.slot);
    put(json, "array_state", device.array_state);
    put(json, "reshape_position", device.reshape_position);
}

Json json_of(const MdadmExamine& device)
{
    Json json = {{"format", device.format}};
    put_common(json, device);
    put_superblock(json, device);
    for (const MdadmRow& row : device.devices) {
        json["devices"].push_back(json_of(row));
        if (row.self) json["devices"].back()["self"] = true;
    }
    put_list(json, "partitions", device.partitions);
    put_list(json, "volumes", device.volumes);
    put_list(json, "disks", device.disks);
    return json;
}

template <typename Reports>
void put_short(Json& json, const Reports& reports)
{
    put_list(json, "scanned", reports.scanned);
    put(json, "exported", reports.exported);
}

}  // namespace

void to_json(Json& json, const MdadmDetails& details)
{
    json = {{"arrays", Json::array()}};
    put_list(json, "arrays", details.arrays);
    put_short(json, details);
}

void to_json(Json& json, const MdadmExamines& examines)
{
    json = {{"devices", Json::array()}};
    put_list(json, "devices", examines.devices);
    put_short(json, examines);
}

}  // namespace belay::storage::parse
