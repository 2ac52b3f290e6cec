#include "backup/view/tree_walk.h"

#include "backup/repository/tree_repeats.h"

#include <algorithm>

namespace belay::backup {
namespace {

/// A folder on the way: what is left of its entries.
struct OpenTree {
    Id id;
    std::string path;
    std::vector<Node> nodes;
    size_t next = 0;
};

}  // namespace

Result<std::vector<Node>> load_tree(const Repository& repository, const Id& tree)
{
    return read_tree(TRY(repository.load_blob(BlobType::tree, tree)));
}

Result<void> walk_tree(const Repository& repository, const Id& tree, const std::string& path,
                       const std::function<Result<Next>(const VisitedNode&)>& visit,
                       const std::function<void(const std::string& path, const Error&)>& problem)
{
    TreeRepeats repeats;
    std::vector<OpenTree> open;
    std::vector<Node> first = TRY(load_tree(repository, tree));
    open.push_back({tree, path, std::move(first)});
    while (!open.empty()) {
        OpenTree& folder = open.back();
        if (folder.next == folder.nodes.size()) {
            open.pop_back();
            continue;
        }
        const Node& node = folder.nodes[folder.next++];
        const std::string here = folder.path + "/" + node.name;
        const Next next = TRY(visit({here, node, folder.id}));
        if (next == Next::stop) return {};
        if (next == Next::skip || node.type != NodeType::dir || !node.subtree) continue;
        Result<std::vector<Node>> nodes =
            here.size() <= longest_path
                ? load_tree(repository, *node.subtree)
                : fail(ErrorKind::corrupt,
                       fmt::format("{}... lies deeper than any path can", here.substr(0, 80)));
        if (nodes && !repeats.may_enter(*node.subtree, nodes->size()))
            nodes = std::unexpected(TreeRepeats::error_at(here));
        if (!nodes)
            problem(here, nodes.error());
        else
            open.push_back({Id(*node.subtree), here, *std::move(nodes)});
    }
    return {};
}

Result<Node> find_entry(const Repository& repository, const Id& root, std::string_view path)
{
    Node found{.type = NodeType::dir, .mode = 0755, .subtree = root};
    const std::string whole = clean_path(path);
    for (size_t at = 1; at < whole.size();) {
        const size_t end = std::min(whole.find('/', at), whole.size());
        const std::string name = whole.substr(at, end - at);
        at = end + 1;
        std::vector<Node> nodes;
        if (found.type == NodeType::dir && found.subtree) nodes = TRY(load_tree(repository, *found.subtree));
        const auto entry = std::ranges::lower_bound(nodes, name, {}, &Node::name);
        if (entry == nodes.end() || entry->name != name)
            return fail(ErrorKind::not_found, fmt::format("{} is not in the snapshot", whole.substr(0, end)),
                        "belay backup ls lists what is");
        found = std::move(*entry);
    }
    return found;
}

std::string permissions_text(const Node& node)
{
    constexpr std::string_view letters = "dalTLDpSugct?", rights = "rwxrwxrwx";
    const uint32_t mode = go_mode(node);
    std::string text;
    for (size_t bit = 0; bit < letters.size(); ++bit)
        if ((mode >> (31 - bit) & 1U) != 0) text += letters[bit];
    if (text.empty()) text += '-';
    for (size_t bit = 0; bit < rights.size(); ++bit)
        text += (mode >> (8 - bit) & 1U) != 0 ? rights[bit] : '-';
    return text;
}

std::string clean_path(std::string_view path)
{
    std::string clean;
    while (!path.empty()) {
        const size_t end = std::min(path.find('/'), path.size());
        const std::string_view part = path.substr(0, end);
        path.remove_prefix(std::min(end + 1, path.size()));
        if (part.empty() || part == ".") continue;
        if (part == "..")
            clean.resize(std::min(clean.rfind('/'), clean.size()));
        else
            clean.append("/").append(part);
    }
    return clean.empty() ? "/" : clean;
}

bool lies_in(std::string_view path, std::string_view folder)
{
    if (folder == "/") return true;
    return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

}  // namespace belay::backup
