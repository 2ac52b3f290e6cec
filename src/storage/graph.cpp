#include "storage/graph.h"

#include <algorithm>

namespace belay::storage {
namespace {

Json json_of(const Member& member)
{
    Json json = {{"device", member.device}, {"state", member.state}};
    if (member.slot) json["slot"] = *member.slot;
    return json;
}

Json json_of(const Sync& sync)
{
    Json json = {{"action", sync.action}};
    if (sync.total.count > 0)
        json.update({{"done", bytes_of(sync.done).count},
                     {"total", bytes_of(sync.total).count},
                     {"speed", sync.per_second.count}});
    return json;
}

/// The kind of a device that is neither disk nor partition nor array.
std::string other_kind(const Other* other, const Mapped* mapped)
{
    if (other == nullptr) return "other";
    if (other->type == "mpath" || (mapped != nullptr && mapped->uuid.starts_with("mpath-")))
        return "multipath";
    if (other->type == "crypt" || other->type == "loop") return other->type;
    return "other";
}

}  // namespace

Graph::Graph(const Survey& survey) : survey_(survey), inventory_(survey.inventory)
{
    for (const auto& [lower, upper] : inventory_.holders) uppers_[lower].push_back(upper);
    for (const Other& other : inventory_.others) others_[other.name] = &other;
    for (const Array& array : inventory_.arrays) {
        arrays_[array.name] = &array;
        running_.insert(array.uuid);
    }
    for (const Mount& mount : inventory_.mounts) {
        if (mount.type != "swap") mounts_[mount.device].push_back(&mount);
    }
    read_lvm();
    read_pools();
}

Json Graph::build()
{
    Json roots = Json::array();
    for (const Disk& disk : inventory_.disks) {
        if (!zvols_.contains(disk.name)) roots.push_back(add_disk(disk));
    }
    // What nothing leads to stands alone: an array without a member that is seen, a loop device, a group of
    // which all disks are missing.
    for (const Array& array : inventory_.arrays) add_root(roots, array.name);
    for (const Other& other : inventory_.others) add_root(roots, other.name);
    if (survey_.lvm) {
        for (const parse::LvmGroup& group : survey_.lvm->groups) {
            if (!seen_.contains("vg:" + group.uuid)) roots.push_back(add_group(group));
        }
    }
    for (const Pool& pool : survey_.pools) {
        if (!seen_.contains("pool:" + pool.row.name)) roots.push_back(add_pool(pool));
    }
    for (const SwapArea& area : survey_.swaps) {
        if (area.is_file && !seen_.contains("swap:" + area.path)) roots.push_back(add_swap_file(area));
    }
    return {{"nodes", std::move(nodes_)}, {"roots", std::move(roots)}, {"not_looked", survey_.not_looked}};
}

void Graph::add_root(Json& roots, const std::string& name)
{
    const auto array = arrays_.find(name);
    if (array != arrays_.end()) {
        if (!seen_.contains("array:" + array->second->uuid)) roots.push_back(add_array(*array->second));
        return;
    }
    if (!is_lvms_own(name) && !volumes_.contains(name) && !seen_.contains("other:" + name))
        roots.push_back(add_other(name));
}

bool Graph::is_lvms_own(const std::string& device) const
{
    const auto mapped = survey_.mapped.find(device);
    return survey_.lvm && mapped != survey_.mapped.end() && mapped->second.uuid.starts_with("LVM-") &&
           !volumes_.contains(device);
}

std::string Graph::add_disk(const Disk& disk)
{
    const std::string id = "disk:" + disk.name;
    Json children = what_stands_on(disk.name, disk.content);
    for (const Partition& partition : disk.partitions) children.push_back(add_partition(partition));
    const auto bus_path = survey_.bus_paths.find(disk.name);
    nodes_.push_back({{"id", id},
                      {"kind", "disk"},
                      {"name", disk.name},
                      {"path", "/dev/" + disk.name},
                      {"by_id", disk.by_id},
                      {"bus_path", bus_path == survey_.bus_paths.end() ? "" : bus_path->second},
                      {"model", disk.model},
                      {"serial", disk.serial},
                      {"wwn", disk.wwn},
                      {"size", disk.size.count},
                      {"logical_sector", disk.logical_sector},
                      {"physical_sector", disk.physical_sector},
                      {"rotational", disk.rotational},
                      {"read_only", disk.read_only},
                      {"table", disk.table},
                      {"table_id", disk.table_id},
                      {"children", std::move(children)}});
    return id;
}

std::string Graph::add_partition(const Partition& partition)
{
    const std::string id = "partition:" + partition.name;
    Json children = what_stands_on(partition.name, partition.content);
    nodes_.push_back({{"id", id},
                      {"kind", "partition"},
                      {"name", partition.name},
                      {"number", partition.number},
                      {"start", partition.start},
                      {"size", partition.size.count},
                      {"type", partition.type},
                      {"partuuid", partition.uuid},
                      {"esp", is_esp(partition)},
                      {"content", partition.content.type},
                      {"children", std::move(children)}});
    return id;
}

std::string Graph::add_device(const std::string& name)
{
    const auto array = arrays_.find(name);
    if (array != arrays_.end()) return add_array(*array->second);
    const auto volume = volumes_.find(name);
    return volume == volumes_.end() ? add_other(name) : add_logical(*volume->second);
}

std::string Graph::add_other(const std::string& name)
{
    const std::string id = "other:" + name;
    if (!seen_.insert(id).second) return id;
    const auto found = others_.find(name);
    const Other* other = found == others_.end() ? nullptr : found->second;
    const auto mapped = survey_.mapped.find(name);
    Json children = what_stands_on(name, other == nullptr ? Content{} : other->content);
    Json node = {{"id", id},
                 {"kind", other_kind(other, mapped == survey_.mapped.end() ? nullptr : &mapped->second)},
                 {"name", name},
                 {"children", std::move(children)}};
    if (other != nullptr) node.update({{"type", other->type}, {"size", other->size.count}});
    if (mapped != survey_.mapped.end() && !mapped->second.name.empty())
        node.update({{"mapped", mapped->second.name}, {"mapped_uuid", mapped->second.uuid}});
    const auto file = survey_.loop_files.find(name);
    if (file != survey_.loop_files.end()) node["file"] = file->second;
    nodes_.push_back(std::move(node));
    return id;
}

std::string Graph::add_array(const Array& array)
{
    const std::string id = "array:" + array.uuid;
    if (!seen_.insert(id).second) return id;
    Json members = Json::array();
    for (const Member& member : array.members) members.push_back(json_of(member));
    Json children = what_stands_on(array.name, array.content);
    nodes_.push_back({{"id", id},
                      {"kind", "array"},
                      {"name", array.name},
                      {"path", array.path},
                      {"uuid", array.uuid},
                      {"level", array.level},
                      {"metadata", array.metadata},
                      {"state", array.state},
                      {"wanted", array.legs},
                      {"active", array.members_in_sync()},
                      {"degraded", array.degraded},
                      {"bitmap", array.bitmap},
                      {"size", array.size.count},
                      {"members", std::move(members)},
                      {"sync", json_of(array.sync)},
                      {"children", std::move(children)}});
    return id;
}

std::string Graph::add_waiting_array(const Content& member)
{
    const std::string id = "array:" + member.uuid;
    if (!seen_.insert(id).second) return id;
    // The label is "host:name".
    const std::string name = member.label.substr(member.label.find(':') + 1);
    Json node = {{"id", id},
                 {"kind", "array"},
                 {"name", name.empty() ? member.uuid : name},
                 {"uuid", member.uuid},
                 {"state", "does not run"},
                 {"children", Json::array()}};
    const auto known = std::ranges::find(survey_.waiting, member.uuid, &WaitingArray::uuid);
    if (known != survey_.waiting.end()) describe_waiting(node, *known);
    nodes_.push_back(std::move(node));
    return id;
}

void Graph::describe_waiting(Json& node, const WaitingArray& array)
{
    if (!array.assembled.empty()) node.update({{"name", array.assembled}, {"state", "inactive"}});
    if (!array.level.empty()) node["level"] = array.level;
    if (array.wanted) node["wanted"] = *array.wanted;
    if (array.active) node["active"] = *array.active;
    Json members = Json::array();
    for (const std::string& device : array.members) members.push_back({{"device", device}});
    node["members"] = std::move(members);
}

Json graph_of(const Survey& survey)
{
    return Graph(survey).build();
}

}  // namespace belay::storage
