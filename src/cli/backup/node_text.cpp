#include "cli/backup/node_text.h"

#include "base/units.h"

namespace belay::cli {

using backup::Node;
using backup::NodeType;
using backup::Snapshot;

std::string time_text(const Style& style, const backup::Timestamp& time)
{
    return style.clock(std::chrono::seconds(time.seconds));
}

std::string path_text(const Style& style, const std::string& path)
{
    return clean(style, path);
}

std::string long_line(const Style& style, const std::string& path, const Node& node)
{
    const std::string target =
        node.type == NodeType::symlink ? " -> " + path_text(style, node.link_target) : std::string();
    return fmt::format("{} {:>5} {:>5} {:>6} {} {}{}\n", permissions_text(node), node.uid, node.gid,
                       node.size, time_text(style, node.mtime), path_text(style, path), target);
}

namespace {

/// What both forms of a node have.
Json common_json(const std::string& path, const Node& node)
{
    return {{"path", path},
            {"type", name_of(node.type)},
            {"mode", go_mode(node)},
            {"permissions", permissions_text(node)},
            {"mtime", node.mtime.text()},
            {"atime", node.atime.text()},
            {"ctime", node.ctime.text()},
            {"uid", node.uid},
            {"gid", node.gid}};
}

}  // namespace

Json ls_json(const std::string& path, const Node& node)
{
    Json json = common_json(path, node);
    json["name"] = node.name;
    json["struct_type"] = "node";
    json["message_type"] = "node";
    if (node.type == NodeType::file) json["size"] = node.size;
    return json;
}

Json found_json(const std::string& path, const Node& node)
{
    Json json = common_json(path, node);
    const auto text = [&](const char* name, const std::string& value) {
        if (!value.empty()) json[name] = value;
    };
    const auto number = [&](const char* name, uint64_t value) {
        if (value != 0) json[name] = value;
    };
    text("user", node.user);
    text("group", node.group);
    text("linktarget", node.link_target);
    number("device_id", node.device_id);
    number("device", node.device);
    number("size", node.size);
    number("links", node.links);
    return json;
}

std::string snapshot_text(const Style& style, const Snapshot& snapshot)
{
    return fmt::format("snapshot {} of {} at {} by {}@{}", snapshot.id.short_hex(),
                       clean(style, fmt::format("{}", fmt::join(snapshot.paths, ", "))),
                       time_text(style, snapshot.time), clean(style, snapshot.username),
                       clean(style, snapshot.hostname));
}

std::string snapshot_table(const Style& style, const std::vector<Snapshot>& snapshots, bool compact)
{
    std::vector<std::vector<std::string>> rows;
    std::vector<std::string> head{paint(style, Tone::bold, "ID"), paint(style, Tone::bold, "Time"),
                                  paint(style, Tone::bold, "Host"), paint(style, Tone::bold, "Tags")};
    if (!compact) head.emplace_back("Paths");
    rows.push_back(std::move(head));
    for (const Snapshot& snapshot : snapshots) {
        std::vector<std::string> row{snapshot.id.short_hex(), time_text(style, snapshot.time),
                                     clean(style, snapshot.hostname),
                                     clean(style, fmt::format("{}", fmt::join(snapshot.tags, ",")))};
        if (!compact) row.push_back(clean(style, fmt::format("{}", fmt::join(snapshot.paths, ", "))));
        rows.push_back(std::move(row));
    }
    return table(style, rows, 0) +
           fmt::format("{} snapshot{}\n", snapshots.size(), snapshots.size() == 1 ? "" : "s");
}

}  // namespace belay::cli
