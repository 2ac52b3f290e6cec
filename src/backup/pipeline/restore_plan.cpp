#include "backup/pipeline/restore_plan.h"

#include "backup/pipeline/workers.h"
#include "backup/repository/tree_repeats.h"

#include <algorithm>
#include <future>
#include <tuple>

namespace belay::backup {
namespace {

using Nodes = Result<std::vector<Node>>;

Nodes nodes_of(const Repository& repository, const Id& tree)
{
    const std::string text = TRY(repository.load_blob(BlobType::tree, tree));
    return read_tree(text);
}

/// A tree that is loaded by whoever comes first: a thread that has nothing else to do, or who needs it.
class TreeAhead {
  public:
    TreeAhead(const Repository& repository, const Id& tree) : repository_(repository), tree_(tree) {}

    void load()
    {
        if (!is_taken_.exchange(true)) nodes_.set_value(nodes_of(repository_, tree_));
    }
    /// Once.
    Nodes take()
    {
        load();
        return nodes_.get_future().get();
    }

  private:
    const Repository& repository_;
    const Id tree_;
    std::atomic<bool> is_taken_ = false;
    std::promise<Nodes> nodes_;
};

class Planner {
  public:
    Planner(const Repository& repository, const RestoringOptions& options, RestoringObserver& observer,
            RestoringSummary& summary)
        : repository_(repository),
          options_(options),
          observer_(observer),
          summary_(summary),
          ahead_(threads_or_all(options.threads))
    {
    }

    Result<void> walk(const Id& tree)
    {
        const std::vector<Node> nodes = TRY(nodes_of(repository_, tree));
        take_all(nodes, "");
        return {};
    }

    RestorePlan finish()
    {
        for (PackToRead& pack : plan_.packs) sort(pack);
        return std::move(plan_);
    }

  private:
    /// Of a folder's folders, so many trees are loaded before the walk gets there.
    static constexpr size_t most_ahead = 8;

    void problem(const std::string& path, const Error& error)
    {
        ++summary_.problems;
        observer_.problem(path, error);
    }

    void take_all(const std::vector<Node>& nodes, const std::string& above)
    {
        auto next = nodes.begin();
        std::deque<std::shared_ptr<TreeAhead>> ahead;
        for (const Node& node : nodes) {
            for (; next != nodes.end() && ahead.size() < most_ahead; ++next) {
                if (next->type == NodeType::dir) ahead.push_back(load_ahead(*next));
            }
            const std::string path = above + "/" + node.name;
            const bool is_folder = node.type == NodeType::dir;
            const bool wanted = !options_.is_wanted || options_.is_wanted(path, is_folder);
            if (is_folder) {
                const std::shared_ptr<TreeAhead> tree = std::move(ahead.front());
                ahead.pop_front();
                take_folder(node, path, wanted, tree.get());
            } else if (wanted) {
                take_entry(node, path);
            }
        }
    }

    /// Nothing, where the folder has no tree.
    std::shared_ptr<TreeAhead> load_ahead(const Node& folder)
    {
        if (!folder.subtree) return nullptr;
        const auto tree = std::make_shared<TreeAhead>(repository_, *folder.subtree);
        ahead_.add(Urgency::folder, [tree] { tree->load(); });
        return tree;
    }

    void take_folder(const Node& node, const std::string& path, bool wanted, TreeAhead* tree)
    {
        // Made when the first entry below it is: a folder that is not wanted itself may lead to one that is.
        const size_t place = plan_.folders.size();
        plan_.folders.push_back({options_.target + path, node, {}});
        const size_t before = wanted_;
        if (wanted) ++wanted_;
        if (path.size() > longest_path) {
            problem(path, {ErrorKind::corrupt,
                           fmt::format("{}... is longer than any path can be", path.substr(0, 80))});
        } else if (tree == nullptr) {
            problem(path, {ErrorKind::corrupt, fmt::format("the folder {} has no tree", path)});
        } else {
            const Nodes nodes = tree->take();
            if (!nodes)
                problem(path, nodes.error());
            else if (!repeats_.may_enter(*node.subtree, nodes->size()))
                problem(path, TreeRepeats::error_at(path));
            else
                take_all(*nodes, path);
        }
        if (wanted_ == before) plan_.folders.resize(place);
    }

    void take_entry(const Node& node, const std::string& path)
    {
        ++wanted_;
        const std::string target = options_.target + path;
        if (node.type != NodeType::file) {
            plan_.others.push_back({target, node, {}});
            return;
        }
        if (node.links > 1) {
            const auto [first, is_new] = names_.try_emplace({node.device_id, node.inode}, target);
            if (!is_new) {
                plan_.others.push_back({target, node, first->second});
                return;
            }
        }
        take_content(node, target, path);
    }

    void take_content(const Node& node, const std::string& target, const std::string& path)
    {
        Node without_content = node;
        without_content.content.clear();
        plan_.files.emplace_back(target, std::move(without_content));
        const auto file = static_cast<uint32_t>(plan_.files.size() - 1);
        uint64_t offset = 0;
        for (const Id& id : node.content) {
            const std::optional<StoredBlob> stored = repository_.blobs().find(BlobType::data, id);
            if (!stored) {
                problem(path,
                        {ErrorKind::not_found,
                         fmt::format("{} lacks a part: no index knows the blob {}", path, id.short_hex())});
                plan_.files.back().failed = true;
                return;
            }
            PackToRead& pack = pack_of(stored->pack);
            pack.pieces.push_back({file, static_cast<uint32_t>(pack.blobs.size()), offset});
            pack.blobs.push_back(stored->blob);
            ++plan_.files.back().pieces_left;
            offset += stored->blob.content_size();
        }
        if (offset != node.size)
            problem(path,
                    {ErrorKind::corrupt, fmt::format("{} should have {} bytes; what is stored of it has {}",
                                                     path, node.size, offset)});
        plan_.files.back().node.size = offset;
        summary_.bytes += offset;
    }

    PackToRead& pack_of(const Id& id)
    {
        const auto [place, is_new] = pack_numbers_.try_emplace(id, plan_.packs.size());
        if (is_new) plan_.packs.push_back({id, {}, {}});
        return plan_.packs[place->second];
    }

    /// Each blob once, in the order of the pack, with all the places that it goes to. An index that lies may
    /// have two blobs in one place: then it is the wrong one for either.
    static void sort(PackToRead& pack)
    {
        const auto place = [&](const Piece& piece) {
            return std::tie(pack.blobs[piece.blob].offset, pack.blobs[piece.blob].id);
        };
        std::ranges::stable_sort(pack.pieces, {}, place);
        std::vector<PackedBlob> blobs;
        for (Piece& piece : pack.pieces) {
            const PackedBlob& blob = pack.blobs[piece.blob];
            if (blobs.empty() || blobs.back() != blob) blobs.push_back(blob);
            piece.blob = static_cast<uint32_t>(blobs.size() - 1);
        }
        pack.blobs = std::move(blobs);
    }

    const Repository& repository_;
    const RestoringOptions& options_;
    RestoringObserver& observer_;
    RestoringSummary& summary_;
    RestorePlan plan_;
    size_t wanted_ = 0;
    TreeRepeats repeats_;
    std::map<std::pair<uint64_t, uint64_t>, std::string> names_;  ///< first names of files with several
    std::unordered_map<Id, size_t, IdHash> pack_numbers_;
    Workers ahead_;
};

}  // namespace

Result<RestorePlan> RestorePlan::make(const Repository& repository, const Id& tree,
                                      const RestoringOptions& options, RestoringObserver& observer,
                                      RestoringSummary& summary)
{
    Planner planner(repository, options, observer, summary);
    TRY(planner.walk(tree));
    return planner.finish();
}

}  // namespace belay::backup
