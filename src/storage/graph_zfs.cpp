// The graph: vdevs, pools, datasets and volumes of ZFS. A device leads to its vdev, that to the vdev above
// it, and the topmost to the pool.

#include "storage/graph.h"

#include <algorithm>

namespace belay::storage {
namespace {

void put_zfs(Json& node, const char* key, const std::optional<uint64_t>& value)
{
    if (value) node[key] = *value;
}

/// Whether `name` is a child of `parent`: "tank/a" is one of "tank", "tank/a/b" is not.
bool is_child(const std::string& name, const std::string& parent)
{
    return name.starts_with(parent + '/') && name.find('/', parent.size() + 1) == std::string::npos;
}

/// Whether a device of this machine is in it.
bool has_device(const Pool& pool, const parse::ZpoolVdev& vdev)
{
    return pool.devices.contains(vdev.name) ||
           std::ranges::any_of(vdev.children,
                               [&](const parse::ZpoolVdev& child) { return has_device(pool, child); });
}

/// No device leads to what is gone: it is told of what it is missing in. A file as a vdev has no device
/// either, and is well.
void add_missing(Json& node, const Pool& pool, const std::vector<parse::ZpoolVdev>& vdevs)
{
    for (const parse::ZpoolVdev& vdev : vdevs) {
        const bool is_well = vdev.state == "ONLINE" || vdev.state == "AVAIL" || vdev.state == "INUSE";
        if (!is_well && !has_device(pool, vdev))
            node["missing"].push_back({{"name", vdev.name}, {"state", vdev.state}, {"note", vdev.note}});
    }
}

void describe_scan(Json& node, const parse::ZpoolPool& pool)
{
    const auto scan = std::ranges::find(pool.scans, "in progress", &parse::ZpoolScan::state);
    if (scan == pool.scans.end()) return;
    node["scan"] = {{"function", scan->function}, {"left", scan->left}};
    if (scan->percent) node["scan"]["percent"] = *scan->percent;
}

}  // namespace

void Graph::read_pools()
{
    zvols_ = zvols_of(survey_);
    for (const Pool& pool : survey_.pools) {
        if (pool.status.config) {
            for (const parse::ZpoolVdev& vdev : pool.status.config->children)
                find_leaves({&pool, "", {}}, vdev);
        }
        for (const auto& [group, vdevs] : pool.status.groups) {
            for (const parse::ZpoolVdev& vdev : vdevs) find_leaves({&pool, group, {}}, vdev);
        }
    }
}

void Graph::find_leaves(Leaf leaf, const parse::ZpoolVdev& vdev)
{
    leaf.way.push_back(&vdev);
    for (const parse::ZpoolVdev& child : vdev.children) find_leaves(leaf, child);
    const auto device = leaf.pool->devices.find(vdev.name);
    if (device != leaf.pool->devices.end()) leaves_.emplace(device->second, std::move(leaf));
}

std::string Graph::add_vdev(const Leaf& leaf, size_t depth)
{
    const parse::ZpoolVdev& vdev = *leaf.way[depth];
    std::string id = "vdev:" + leaf.pool->row.name;
    for (size_t i = 0; i <= depth; ++i) id += '/' + leaf.way[i]->name;
    if (!seen_.insert(id).second) return id;
    Json node = {{"id", id},
                 {"kind", "vdev"},
                 {"name", vdev.name},
                 {"type", vdev.type},
                 {"state", vdev.state},
                 {"pool", leaf.pool->row.name},
                 {"read_errors", vdev.read.text},
                 {"write_errors", vdev.write.text},
                 {"checksum_errors", vdev.cksum.text},
                 {"children", {depth == 0 ? add_pool(*leaf.pool) : add_vdev(leaf, depth - 1)}}};
    if (!leaf.group.empty()) node["group"] = leaf.group;
    if (!vdev.note.empty()) node["note"] = vdev.note;
    if (!vdev.children.empty()) {
        node["wanted"] = vdev.children.size();
        node["active"] = std::ranges::count(vdev.children, "ONLINE", &parse::ZpoolVdev::state);
    }
    add_missing(node, *leaf.pool, vdev.children);
    nodes_.push_back(std::move(node));
    return id;
}

std::string Graph::add_pool(const Pool& pool)
{
    const std::string id = "pool:" + pool.row.name;
    if (!seen_.insert(id).second) return id;
    Json children = Json::array();
    const auto own = std::ranges::find(pool.datasets, pool.row.name, &DatasetRow::name);
    if (own != pool.datasets.end() && own->mounted && own->mountpoint.starts_with('/'))
        children.push_back(add_mount(own->mountpoint, ""));
    for (const Json& below : datasets_below(pool, pool.row.name)) children.push_back(below);
    Json node = {{"id", id},
                 {"kind", "pool"},
                 {"name", pool.row.name},
                 {"guid", pool.row.guid},
                 {"state", pool.status.state},
                 {"errors", pool.status.errors},
                 {"children", std::move(children)}};
    put_zfs(node, "size", pool.row.size);
    put_zfs(node, "allocated", pool.row.allocated);
    put_zfs(node, "free", pool.row.free);
    if (own != pool.datasets.end()) put_zfs(node, "available", own->available);
    put_zfs(node, "data_errors", pool.status.data_errors);
    describe_scan(node, pool.status);
    if (pool.status.config) add_missing(node, pool, pool.status.config->children);
    for (const auto& [group, vdevs] : pool.status.groups) add_missing(node, pool, vdevs);
    nodes_.push_back(std::move(node));
    return id;
}

std::string Graph::add_pool_away(const Content& member)
{
    const std::string id = "pool:" + member.uuid;
    if (!seen_.insert(id).second) return id;
    nodes_.push_back({{"id", id},
                      {"kind", "pool"},
                      {"name", member.label.empty() ? member.uuid : member.label},
                      {"guid", member.uuid},
                      {"state", survey_.pools_known ? "not imported" : "not looked at"},
                      {"children", Json::array()}});
    return id;
}

Json Graph::datasets_below(const Pool& pool, const std::string& name)
{
    Json children = Json::array();
    for (const DatasetRow& row : pool.datasets) {
        if (is_child(row.name, name)) children.push_back(add_dataset(pool, row));
    }
    return children;
}

std::string Graph::add_dataset(const Pool& pool, const DatasetRow& row)
{
    const std::string id = "dataset:" + row.name;
    if (!seen_.insert(id).second) return id;
    Json children = Json::array();
    if (row.mounted && row.mountpoint.starts_with('/')) children.push_back(add_mount(row.mountpoint, ""));
    const auto device = pool.volumes.find(row.name);
    const auto disk =
        std::ranges::find(inventory_.disks, device == pool.volumes.end() ? "" : device->second, &Disk::name);
    if (disk != inventory_.disks.end()) {
        children = what_stands_on(disk->name, disk->content);
        for (const Partition& partition : disk->partitions) children.push_back(add_partition(partition));
    }
    for (const Json& below : datasets_below(pool, row.name)) children.push_back(below);
    Json node = {{"id", id},
                 {"kind", row.type == "volume" ? "zvol" : "dataset"},
                 {"name", row.name},
                 {"pool", pool.row.name},
                 {"mountpoint", row.mountpoint},
                 {"mounted", row.mounted},
                 {"children", std::move(children)}};
    if (device != pool.volumes.end()) node["device"] = device->second;
    put_zfs(node, "size", row.volume_size);
    put_zfs(node, "used", row.used);
    put_zfs(node, "available", row.available);
    put_zfs(node, "referenced", row.referenced);
    nodes_.push_back(std::move(node));
    return id;
}

}  // namespace belay::storage
