#include "backup/view/difference.h"

#include <algorithm>

namespace belay::backup {
namespace {

/// The blobs that one side speaks of, by type.
struct Blobs {
    std::unordered_set<Id, IdHash> data, trees;
};

class Comparison {
  public:
    Comparison(const Repository& repository, const DifferenceOptions& options,
               const std::function<void(const Difference&)>& tell,
               const std::function<void(const std::string& path, const Error&)>& problem)
        : repository_(repository), options_(options), tell_(tell), problem_(problem)
    {
    }

    Result<DifferenceCounts> compare(const Id& from, const Id& to)
    {
        if (from == to) return counts_;
        before_.trees.insert(from);
        after_.trees.insert(to);
        const std::vector<Node> old_nodes = TRY(load_tree(repository_, from)),
                                new_nodes = TRY(load_tree(repository_, to));
        merge("", old_nodes, new_nodes);
        count_blobs(after_, before_, counts_.added);
        count_blobs(before_, after_, counts_.removed);
        return counts_;
    }

  private:
    std::vector<Node> nodes_of(const std::string& path, const std::optional<Id>& tree)
    {
        if (!tree) return {};
        Result<std::vector<Node>> nodes = load_tree(repository_, *tree);
        if (nodes) return *std::move(nodes);
        problem_(path, nodes.error());
        return {};
    }

    static void note_blobs(const Node& node, Blobs& blobs)
    {
        if (node.type == NodeType::file) blobs.data.insert(node.content.begin(), node.content.end());
        if (node.type == NodeType::dir && node.subtree) blobs.trees.insert(*node.subtree);
    }

    void count_blobs(const Blobs& mine, const Blobs& others, DifferenceCounts::Side& side) const
    {
        const auto count = [&](BlobType type, const auto& ids, const auto& known, uint64_t& number) {
            for (const Id& id : ids) {
                if (known.contains(id)) continue;
                ++number;
                side.bytes += repository_.blobs().content_size(type, id).value_or(0);
            }
        };
        count(BlobType::data, mine.data, others.data, side.data_blobs);
        count(BlobType::tree, mine.trees, others.trees, side.tree_blobs);
    }

    /// An entry, and all below it, that one side has alone.
    void only_one(const std::string& path, const Node& node, const char* modifier,
                  DifferenceCounts::Side& side, Blobs& blobs)
    {
        const auto note = [&](const std::string& at, const Node& one) {
            const bool is_folder = one.type == NodeType::dir;
            tell_({is_folder ? at + "/" : at, modifier});
            ++(one.type == NodeType::file ? side.files : is_folder ? side.folders : side.others);
            note_blobs(one, blobs);
        };
        note(path, node);
        if (node.type != NodeType::dir || !node.subtree) return;
        const Result<void> walked = walk_tree(
            repository_, *node.subtree, path,
            [&](const VisitedNode& visited) -> Result<Next> {
                note(visited.path, visited.node);
                return Next::enter;
            },
            problem_);
        if (!walked) problem_(path, walked.error());
    }

    void both(const std::string& path, const Node& before, const Node& after)
    {
        note_blobs(before, before_);
        note_blobs(after, after_);
        std::string modifier;
        if (before.type != after.type) {
            modifier = "T";
        } else if (before.type == NodeType::file && before.content != after.content) {
            // The same in all but the content: nobody has written to it, and yet it is another.
            modifier = same_metadata(before, after) ? "M?" : "M";
            ++counts_.changed_files;
        } else if (options_.metadata && before != after) {
            modifier = "U";
        }
        const bool is_folder = after.type == NodeType::dir;
        if (!modifier.empty()) tell_({is_folder ? path + "/" : path, modifier});
        const bool was_folder = before.type == NodeType::dir;
        if (!is_folder && !was_folder) return;
        const std::optional<Id> none;
        const std::optional<Id>& old_tree = was_folder ? before.subtree : none;
        const std::optional<Id>& new_tree = is_folder ? after.subtree : none;
        if (old_tree == new_tree) return note_tree(path, new_tree);
        const std::vector<Node> old_nodes = nodes_of(path, old_tree), new_nodes = nodes_of(path, new_tree);
        merge(path, old_nodes, new_nodes);
    }

    /// What is below a folder that both have is in both.
    void note_tree(const std::string& path, const std::optional<Id>& tree)
    {
        if (!tree || !noted_.insert(*tree).second) return;
        const Result<void> walked = walk_tree(
            repository_, *tree, path,
            [&](const VisitedNode& visited) -> Result<Next> {
                note_blobs(visited.node, before_);
                note_blobs(visited.node, after_);
                return Next::enter;
            },
            problem_);
        if (!walked) problem_(path, walked.error());
    }

    static bool same_metadata(Node before, Node after)
    {
        before.content.clear();
        after.content.clear();
        return before == after;
    }

    void merge(const std::string& path, const std::vector<Node>& before, const std::vector<Node>& after)
    {
        auto old_node = before.begin(), new_node = after.begin();
        while (old_node != before.end() || new_node != after.end()) {
            const bool old_first =
                new_node == after.end() || (old_node != before.end() && old_node->name < new_node->name);
            const bool new_first =
                old_node == before.end() || (new_node != after.end() && new_node->name < old_node->name);
            const std::string at = path + "/" + (old_first ? old_node->name : new_node->name);
            if (old_first)
                only_one(at, *old_node++, "-", counts_.removed, before_);
            else if (new_first)
                only_one(at, *new_node++, "+", counts_.added, after_);
            else
                both(at, *old_node++, *new_node++);
        }
    }

    const Repository& repository_;
    const DifferenceOptions& options_;
    const std::function<void(const Difference&)>& tell_;
    const std::function<void(const std::string& path, const Error&)>& problem_;
    DifferenceCounts counts_;
    Blobs before_, after_;
    std::unordered_set<Id, IdHash> noted_;
};

}  // namespace

Result<DifferenceCounts> compare_trees(
    const Repository& repository, const Id& from, const Id& to, const DifferenceOptions& options,
    const std::function<void(const Difference&)>& tell,
    const std::function<void(const std::string& path, const Error&)>& problem)
{
    return Comparison(repository, options, tell, problem).compare(from, to);
}

}  // namespace belay::backup
