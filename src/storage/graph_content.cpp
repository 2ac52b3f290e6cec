// The graph: what is in a device, and what is used of it.

#include "storage/graph.h"

#include <algorithm>

namespace belay::storage {
namespace {

bool is_below(const std::string& file, const std::string& folder)
{
    return folder == "/" ||
           (file.starts_with(folder) && file.size() > folder.size() && file[folder.size()] == '/');
}

}  // namespace

Json Graph::what_stands_on(const std::string& device, const Content& content)
{
    Json children = Json::array();
    const auto physical = survey_.physical.find(device);
    const auto leaf = leaves_.find(device);
    if (physical != survey_.physical.end())
        children.push_back(add_physical(device, physical->second));
    else if (leaf != leaves_.end())
        children.push_back(add_vdev(leaf->second, leaf->second.way.size() - 1));
    else
        add_uppers(children, device);
    if (children.empty()) add_members_upper(children, device, content);
    // What is behind a key, or reached by several paths, is told of the device above.
    const bool is_told_above = !children.empty() && (content.type == "crypto_LUKS" || is_path(device));
    if (!content.type.empty() && !content.type.ends_with("_member") && !is_told_above)
        children.push_back(add_filesystem(device, content));
    return children;
}

bool Graph::is_path(const std::string& device) const
{
    const auto uppers = uppers_.find(device);
    return uppers != uppers_.end() && std::ranges::any_of(uppers->second, [this](const std::string& upper) {
               const auto mapped = survey_.mapped.find(upper);
               return mapped != survey_.mapped.end() && mapped->second.uuid.starts_with("mpath-");
           });
}

void Graph::add_uppers(Json& children, const std::string& device)
{
    const auto uppers = uppers_.find(device);
    if (uppers == uppers_.end()) return;
    for (const std::string& upper : uppers->second) {
        const bool is_known = arrays_.contains(upper) || others_.contains(upper);
        // An array that the kernel has and that does not run is known by its superblocks alone.
        const bool is_waiting =
            std::ranges::find(survey_.waiting, upper, &WaitingArray::assembled) != survey_.waiting.end();
        if ((is_known || !is_waiting) && !is_lvms_own(upper)) children.push_back(add_device(upper));
    }
}

/// By its signature the device is part of something that is not there.
void Graph::add_members_upper(Json& children, const std::string& device, const Content& content)
{
    if (content.type == "linux_raid_member" && !running_.contains(content.uuid))
        children.push_back(add_waiting_array(content));
    else if (content.type == "LVM2_member")
        children.push_back(add_physical(device, content.uuid));
    else if (content.type == "zfs_member" && !content.uuid.empty())
        children.push_back(add_pool_away(content));
}

std::string Graph::add_filesystem(const std::string& device, const Content& content)
{
    const std::string id = "filesystem:" + device;
    Json children = Json::array();
    const auto mounts = mounts_.find(device);
    if (mounts != mounts_.end()) {
        for (const Mount* mount : mounts->second) {
            const std::string mount_id = add_mount(mount->path, mount->options);
            if (std::ranges::find(children, Json(mount_id)) == children.end()) children.push_back(mount_id);
        }
    }
    Json node = {{"id", id},
                 {"kind", content.type == "swap" ? "swap" : "filesystem"},
                 {"name", content.type},
                 {"type", content.type},
                 {"uuid", content.uuid},
                 {"label", content.label},
                 {"children", std::move(children)}};
    if (content.type == "swap") node["in_use"] = !inventory_.mounts_of(device).empty();
    for (const SwapArea& area : survey_.swaps) {
        const auto used = survey_.swap_devices.find(area.path);
        if (used == survey_.swap_devices.end() || used->second != device) continue;
        node.update({{"priority", area.priority}, {"size", area.size.count}, {"used", area.used.count}});
    }
    nodes_.push_back(std::move(node));
    return id;
}

std::string Graph::add_mount(const std::string& path, const std::string& options)
{
    const std::string id = "mount:" + path;
    if (!seen_.insert(id).second) return id;
    nodes_.push_back({{"id", id},
                      {"kind", "mount"},
                      {"name", path},
                      {"path", path},
                      {"options", options},
                      {"children", what_is_in(path)}});
    return id;
}

std::string Graph::add_swap_file(const SwapArea& area)
{
    const std::string id = "swap:" + area.path;
    if (!seen_.insert(id).second) return id;
    nodes_.push_back({{"id", id},
                      {"kind", "swap"},
                      {"name", area.path},
                      {"path", area.path},
                      {"in_use", true},
                      {"priority", area.priority},
                      {"size", area.size.count},
                      {"used", area.used.count},
                      {"children", Json::array()}});
    return id;
}

/// Files under a mount point that are devices of their own: swap, and what loop devices show.
Json Graph::what_is_in(const std::string& path)
{
    // The mount whose path is the longest holds a file.
    const auto is_here = [&](const std::string& file) {
        return is_below(file, path) && std::ranges::none_of(inventory_.mounts, [&](const Mount& other) {
                   return other.path.size() > path.size() && is_below(file, other.path);
               });
    };
    Json children = Json::array();
    for (const SwapArea& area : survey_.swaps) {
        if (area.is_file && is_here(area.path)) children.push_back(add_swap_file(area));
    }
    for (const auto& [loop, file] : survey_.loop_files) {
        if (is_here(file)) children.push_back(add_other(loop));
    }
    return children;
}

}  // namespace belay::storage
