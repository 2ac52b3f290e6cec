#include "cli/storage_part.h"

#include "cli/fields.h"
#include "cli/storage_details.h"

#include <algorithm>
#include <array>

namespace belay::cli {
namespace {

using Ids = std::set<std::string>;

bool is_called(const Json& node, const std::string& said)
{
    constexpr std::array fields{"name", "path",     "by_id",  "serial", "wwn",
                                "uuid", "partuuid", "mapped", "guid",   "id"};
    if (std::ranges::any_of(fields, [&](const char* field) { return raw_text(node, field) == said; }))
        return true;
    const std::string name = raw_text(node, "name"), mapped = raw_text(node, "mapped");
    return (!name.empty() && "/dev/" + name == said) || (!mapped.empty() && "/dev/mapper/" + mapped == said);
}

/// Everything that a walk along these edges comes to; `ids` too.
void follow(const std::map<std::string, std::vector<std::string>>& edges, Ids ids, Ids& reached)
{
    while (!ids.empty()) {
        const std::string id = *ids.begin();
        ids.erase(ids.begin());
        reached.insert(id);
        const auto next = edges.find(id);
        if (next == edges.end()) continue;
        for (const std::string& other : next->second) {
            if (!reached.contains(other)) ids.insert(other);
        }
    }
}

Json only(const Json& ids, const Ids& kept)
{
    Json some = Json::array();
    for (const Json& id : ids) {
        if (id.is_string() && kept.contains(id.get<std::string>())) some.push_back(id);
    }
    return some;
}

/// The kinds in the order in which one stands on the other, and what several of a kind are called.
constexpr std::array<std::pair<std::string_view, std::string_view>, 20> kinds{{{"disk", "disks"},
                                                                               {"multipath", "multipath"},
                                                                               {"loop", "loop devices"},
                                                                               {"partition", "partitions"},
                                                                               {"crypt", "opened with a key"},
                                                                               {"array", "arrays"},
                                                                               {"pv", "PVs"},
                                                                               {"vg", "volume groups"},
                                                                               {"thin_pool", "thin pools"},
                                                                               {"lv", "logical volumes"},
                                                                               {"thin_lv", "thin volumes"},
                                                                               {"snapshot", "snapshots"},
                                                                               {"vdev", "vdevs"},
                                                                               {"pool", "pools"},
                                                                               {"dataset", "datasets"},
                                                                               {"zvol", "zvols"},
                                                                               {"other", "others"},
                                                                               {"filesystem", "filesystems"},
                                                                               {"swap", "swap areas"},
                                                                               {"mount", "mounts"}}};

size_t place_of(std::string_view kind)
{
    const auto found = std::ranges::find(kinds, kind, &std::pair<std::string_view, std::string_view>::first);
    return static_cast<size_t>(found - kinds.begin());
}

/// What two of a kind may differ in and still be alike.
Json without_its_own(Json node)
{
    for (const char* field : {"serial", "bus_path", "label", "uuid", "path", "used", "priority", "file",
                              "data_percent", "metadata_percent", "sync_percent", "sync", "free"})
        node.erase(field);
    const std::string kind = raw_text(node, "kind");
    if (kind != "disk" && kind != "array") node.erase("size");
    return node;
}

std::string what_it_is(const Json& node)
{
    const Style plain{};
    const std::string kind = raw_text(node, "kind");
    if (kind == "mount") return {};
    const bool has_place_of_its_own = kind == "vg" || kind == "pool";
    std::string text;
    if (has_place_of_its_own || kind == "filesystem") text = node_heading(plain, node);
    for (const std::string& detail :
         node_details(plain, has_place_of_its_own ? node : without_its_own(node))) {
        if (detail.empty()) continue;
        text += text.empty() ? "" : ", ";
        text += detail;
    }
    if (kind == "disk" && list_of(node, "children").empty()) text += ", nothing on it";
    return text;
}

}  // namespace

Result<Json> part_of_graph(const Json& graph, const std::string& said)
{
    std::map<std::string, std::vector<std::string>> above, below;
    Ids named, kept;
    for (const Json& node : list_of(graph, "nodes")) {
        const std::string id = raw_text(node, "id");
        if (is_called(node, said)) named.insert(id);
        for (const Json& child : list_of(node, "children")) {
            if (!child.is_string()) continue;
            above[id].push_back(child.get<std::string>());
            below[child.get<std::string>()].push_back(id);
        }
    }
    if (named.empty())
        return fail(ErrorKind::not_found, fmt::format("nothing that this host stores on is called {}", said),
                    "belay storage show --summary");
    follow(above, named, kept);
    follow(below, named, kept);
    Json nodes = Json::array();
    for (Json node : list_of(graph, "nodes")) {
        if (!kept.contains(raw_text(node, "id"))) continue;
        node["children"] = only(list_of(node, "children"), kept);
        nodes.push_back(std::move(node));
    }
    return Json{{"nodes", std::move(nodes)},
                {"roots", only(list_of(graph, "roots"), kept)},
                {"not_looked", list_of(graph, "not_looked")}};
}

Json summary_of_graph(const Json& graph)
{
    std::map<std::tuple<size_t, std::string, std::string>, uint64_t> counts;
    for (const Json& node : list_of(graph, "nodes")) {
        const std::string kind = raw_text(node, "kind");
        ++counts[{place_of(kind), kind, what_it_is(node)}];
    }
    Json groups = Json::array();
    for (const auto& [group, count] : counts)
        groups.push_back({{"kind", std::get<1>(group)}, {"count", count}, {"what", std::get<2>(group)}});
    return {{"groups", std::move(groups)}, {"not_looked", list_of(graph, "not_looked")}};
}

std::string summary_text(const Style& style, const Json& summary)
{
    std::vector<std::vector<std::string>> rows;
    std::string last;
    for (const Json& group : list_of(summary, "groups")) {
        const std::string kind = raw_text(group, "kind");
        const size_t place = place_of(kind);
        const std::string name(place < kinds.size() ? kinds[place].second : kind);
        rows.push_back({name == last ? "" : name, fmt::format("{:>5}", number_of(group, "count")),
                        text_of(style, group, "what")});
        last = name;
    }
    std::string text = rows.empty() ? "no disks were found\n" : table(style, rows, 0);
    const std::string left_out = not_looked_text(style, summary);
    return left_out.empty() ? text : text + '\n' + left_out;
}

}  // namespace belay::cli
