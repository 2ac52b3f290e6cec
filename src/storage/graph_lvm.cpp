// The graph: physical volumes, volume groups, and the volumes in them.

#include "storage/graph.h"

#include <algorithm>

namespace belay::storage {
namespace {

void put_lvm(Json& node, const char* key, const auto& value)
{
    if (value) node[key] = *value;
}

std::string field_of(const parse::LvmLogical& volume, const char* column)
{
    const auto found = volume.fields.find(column);
    return found != volume.fields.end() && found->second.is_string() ? found->second.get<std::string>() : "";
}

bool has_word(const std::string& list, std::string_view word)
{
    return (',' + list + ',').find(fmt::format(",{},", word)) != std::string::npos;
}

/// "thin_pool", "thin_lv", "snapshot" (one with a table of its own), "lv".
std::string lvm_kind(const parse::LvmLogical& volume)
{
    const std::string layout = field_of(volume, "lv_layout");
    if (has_word(layout, "thin")) return has_word(layout, "pool") ? "thin_pool" : "thin_lv";
    return volume.origin.empty() ? "lv" : "snapshot";
}

/// Kernel name, where it is active.
std::string lvm_device(const parse::LvmLogical& volume)
{
    const auto minor = volume.fields.find("lv_kernel_minor");
    if (minor == volume.fields.end() || !minor->second.is_number_unsigned()) return {};
    return fmt::format("dm-{}", minor->second.get<uint64_t>());
}

std::string full_name(const parse::LvmLogical& volume)
{
    return volume.group + '/' + volume.name;
}

}  // namespace

void Graph::read_lvm()
{
    if (!survey_.lvm) return;
    for (const parse::LvmPhysical& pv : survey_.lvm->physical) group_of_physical_[pv.uuid] = pv.group;
    for (const parse::LvmLogical& volume : survey_.lvm->logical) {
        if (volume.hidden) continue;
        const std::string device = lvm_device(volume);
        if (!device.empty()) volumes_[device] = &volume;
        // A thin volume hangs under its pool; a snapshot that is not thin under what it is of.
        const std::string& above = volume.pool.empty() ? volume.origin : volume.pool;
        parts_[above.empty() ? volume.group : volume.group + '/' + above].push_back(&volume);
    }
}

std::string Graph::add_physical(const std::string& device, const std::string& uuid)
{
    const std::string id = "pv:" + device;
    if (!seen_.insert(id).second) return id;
    Json node = {{"id", id}, {"kind", "pv"}, {"name", device}, {"uuid", uuid}, {"children", Json::array()}};
    if (survey_.lvm) {
        const auto& physical = survey_.lvm->physical;
        const auto known = std::ranges::find(physical, uuid, &parse::LvmPhysical::uuid);
        if (known != physical.end()) {
            put_lvm(node, "size", known->size);
            put_lvm(node, "free", known->free);
            node["vg"] = known->group;
        }
        const auto group =
            std::ranges::find(survey_.lvm->groups, node.value("vg", ""), &parse::LvmGroup::name);
        if (group != survey_.lvm->groups.end()) node["children"].push_back(add_group(*group));
    }
    nodes_.push_back(std::move(node));
    return id;
}

std::string Graph::add_group(const parse::LvmGroup& group)
{
    const std::string id = "vg:" + group.uuid;
    if (!seen_.insert(id).second) return id;
    Json children = Json::array();
    for (const parse::LvmLogical* volume : parts_[group.name]) children.push_back(add_logical(*volume));
    Json node = {{"id", id},           {"kind", "vg"},       {"name", group.name},
                 {"uuid", group.uuid}, {"attr", group.attr}, {"children", std::move(children)}};
    put_lvm(node, "size", group.size);
    put_lvm(node, "free", group.free);
    const auto count = [&](const char* column) {
        const auto found = group.fields.find(column);
        return found == group.fields.end() ? Json() : found->second;
    };
    node["pvs"] = count("pv_count");
    node["missing_pvs"] = count("vg_missing_pv_count");
    const Json system = count("vg_systemid");
    if (system.is_string()) node["system_id"] = system;
    nodes_.push_back(std::move(node));
    return id;
}

std::string Graph::add_logical(const parse::LvmLogical& volume)
{
    const std::string id = "lv:" + volume.uuid;
    if (!seen_.insert(id).second) return id;
    const std::string device = lvm_device(volume);
    Json node = {{"id", id}, {"kind", lvm_kind(volume)}, {"name", volume.name}, {"vg", volume.group}};
    describe_logical(node, volume);
    Json children = Json::array();
    const auto other = others_.find(device);
    // On a pool's device there are the volumes of the pool, which hang here by their names.
    if (other != others_.end() && node.at("kind") != "thin_pool") {
        node["device"] = device;
        children = what_stands_on(device, other->second->content);
    }
    for (const parse::LvmLogical* part : parts_[full_name(volume)]) children.push_back(add_logical(*part));
    node["children"] = std::move(children);
    nodes_.push_back(std::move(node));
    return id;
}

void Graph::describe_logical(Json& node, const parse::LvmLogical& volume) const
{
    node.update({{"uuid", volume.uuid},
                 {"path", field_of(volume, "lv_path")},
                 {"attr", volume.attr},
                 {"layout", field_of(volume, "lv_layout")},
                 {"active", !lvm_device(volume).empty()}});
    put_lvm(node, "size", volume.size);
    put_lvm(node, "data_percent", volume.data_percent);
    put_lvm(node, "metadata_percent", volume.metadata_percent);
    put_lvm(node, "sync_percent", volume.sync_percent);
    if (!volume.origin.empty()) node["origin"] = volume.origin;
    if (!volume.pool.empty()) node["pool"] = volume.pool;
    const std::string health = field_of(volume, "lv_health_status");
    if (!health.empty()) node["health"] = health;
    if (field_of(volume, "lv_snapshot_invalid") == "snapshot invalid") node["health"] = "invalid";
}

}  // namespace belay::storage
