// The inventory as a graph of nodes, for faces.

#include "storage/model.h"

#include <nlohmann/json.hpp>

namespace belay::storage {
namespace {

using Json = nlohmann::json;

class Graph {
  public:
    explicit Graph(const Inventory& inventory) : inventory_(inventory) {}

    Json build()
    {
        Json roots = Json::array();
        for (const Disk& disk : inventory_.disks) roots.push_back(add_disk(disk));
        // An array without a member that is seen, a loop device: nothing leads to them, so they stand alone.
        for (const Array& array : inventory_.arrays) add_root(roots, array.name);
        for (const Other& other : inventory_.others) add_root(roots, other.name);
        return {{"nodes", std::move(nodes_)}, {"roots", std::move(roots)}};
    }

  private:
    void add_root(Json& roots, const std::string& name)
    {
        if (!seen_.contains(name)) roots.push_back(add_device(name));
    }

    std::string add_disk(const Disk& disk)
    {
        const std::string id = "disk:" + disk.name;
        Json children = what_stands_on(disk.name, disk.content);
        for (const Partition& partition : disk.partitions) children.push_back(add_partition(partition));
        nodes_.push_back({{"id", id},
                          {"kind", "disk"},
                          {"name", disk.name},
                          {"path", "/dev/" + disk.name},
                          {"by_id", disk.by_id},
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

    std::string add_partition(const Partition& partition)
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
                          {"content", partition.content.type},
                          {"children", std::move(children)}});
        return id;
    }

    /// An array or another device that stands on others; added once.
    std::string add_device(const std::string& name)
    {
        if (const Array* array = inventory_.array_named(name)) return add_array(*array);
        const auto other = std::ranges::find(inventory_.others, name, &Other::name);
        const std::string id = "other:" + name;
        if (!seen_.insert(name).second) return id;
        const Content content = other == inventory_.others.end() ? Content{} : other->content;
        Json children = what_stands_on(name, content);
        Json node = {{"id", id}, {"kind", "other"}, {"name", name}, {"children", std::move(children)}};
        if (other != inventory_.others.end()) {
            node["type"] = other->type;
            node["size"] = other->size.count;
        }
        nodes_.push_back(std::move(node));
        return id;
    }

    std::string add_array(const Array& array)
    {
        const std::string id = "array:" + array.uuid;
        if (!seen_.insert(array.name).second) return id;
        Json members = Json::array();
        for (const Member& member : array.members) {
            Json one = {{"device", member.device}, {"state", member.state}};
            if (member.slot) one["slot"] = *member.slot;
            members.push_back(std::move(one));
        }
        Json children = what_stands_on(array.name, array.content);
        Json sync = {{"action", array.sync.action}};
        if (array.sync.total.count > 0)
            sync.update({{"done", bytes_of(array.sync.done).count},
                         {"total", bytes_of(array.sync.total).count},
                         {"speed", array.sync.per_second.count}});
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
                          {"sync", std::move(sync)},
                          {"children", std::move(children)}});
        return id;
    }

    Json what_stands_on(const std::string& device, const Content& content)
    {
        Json children = Json::array();
        for (const std::string& upper : inventory_.on(device)) children.push_back(add_device(upper));
        if (children.empty() && content.type == "linux_raid_member" && !runs(content.uuid))
            children.push_back(add_waiting_array(content));
        const bool is_member = content.type.ends_with("_member");
        if (!content.type.empty() && !is_member) children.push_back(add_filesystem(device, content));
        return children;
    }

    bool runs(const std::string& array) const
    {
        return std::ranges::find(inventory_.arrays, array, &Array::uuid) != inventory_.arrays.end();
    }

    /// An array of which nothing is known but the superblocks of its members.
    std::string add_waiting_array(const Content& member)
    {
        const std::string id = "array:" + member.uuid;
        if (!seen_.insert(id).second) return id;
        // The label is "host:name".
        const std::string name = member.label.substr(member.label.find(':') + 1);
        nodes_.push_back({{"id", id},
                          {"kind", "array"},
                          {"name", name.empty() ? member.uuid : name},
                          {"uuid", member.uuid},
                          {"state", "does not run"},
                          {"children", Json::array()}});
        return id;
    }

    std::string add_filesystem(const std::string& device, const Content& content)
    {
        const std::string id = "filesystem:" + device;
        Json children = Json::array();
        for (const Mount* mount : inventory_.mounts_of(device)) {
            const std::string mount_id = "mount:" + mount->path;
            nodes_.push_back({{"id", mount_id},
                              {"kind", "mount"},
                              {"name", mount->path},
                              {"path", mount->path},
                              {"options", mount->options},
                              {"children", Json::array()}});
            children.push_back(mount_id);
        }
        nodes_.push_back({{"id", id},
                          {"kind", content.type == "swap" ? "swap" : "filesystem"},
                          {"name", content.type},
                          {"type", content.type},
                          {"uuid", content.uuid},
                          {"label", content.label},
                          {"children", std::move(children)}});
        return id;
    }

    const Inventory& inventory_;
    Json nodes_ = Json::array();
    std::set<std::string> seen_;
};

}  // namespace

nlohmann::json graph_of(const Inventory& inventory)
{
    return Graph(inventory).build();
}

}  // namespace belay::storage
