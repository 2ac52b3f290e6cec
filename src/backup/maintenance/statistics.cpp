#include "backup/maintenance/statistics.h"

#include "backup/maintenance/used_blobs.h"
#include "backup/repository/tree_repeats.h"

#include <set>
#include <unordered_set>

namespace belay::backup {
namespace {

/// What two files of the same content share. All without content have the same, also folders.
Id content_id(const Node& node)
{
    std::string all;
    for (const Id& blob : node.content) all += blob.raw();
    return Id::of(all);
}

class Counting {
  public:
    Counting(const Repository& repository, std::span<const Snapshot> snapshots, size_t threads)
        : repository_(repository), snapshots_(snapshots), threads_(threads)
    {
        counted_.snapshots = snapshots.size();
    }

    Result<Statistics> restore_size()
    {
        for (const Snapshot& snapshot : snapshots_) {
            std::set<std::pair<uint64_t, uint64_t>> inodes;
            repeats_ = {};
            TRY(walk(
                {&snapshot.tree, 1}, [](const Id&) { return true; },
                [&](const Node& node) {
                    ++counted_.files;
                    const bool has_other_names = node.links > 1 && node.type != NodeType::dir;
                    if (has_other_names && !inodes.emplace(node.device_id, node.inode).second) return;
                    counted_.bytes += node.size;
                }));
        }
        return counted_;
    }

    Result<Statistics> files_by_contents()
    {
        std::unordered_set<Id, IdHash> trees, contents;
        std::vector<Id> roots;
        for (const Snapshot& snapshot : snapshots_) roots.push_back(snapshot.tree);
        std::mutex mutex;
        TRY(walk(
            roots,
            [&](const Id& tree) {
                const std::lock_guard lock(mutex);
                return trees.insert(tree).second;
            },
            [&](const Node& node) {
                if (!contents.insert(content_id(node)).second) return;
                ++counted_.files;
                for (const Id& blob : node.content)
                    counted_.bytes += repository_.blobs().content_size(BlobType::data, blob).value_or(0);
            }));
        return counted_;
    }

    Result<Statistics> blobs_per_file()
    {
        for (const Snapshot& snapshot : snapshots_) {
            repeats_ = {};
            TRY(count_tree(snapshot.tree, ""));
        }
        return counted_;
    }

    Result<Statistics> raw_data()
    {
        UsedBlobs used(repository_.blobs());
        std::vector<Id> roots;
        for (const Snapshot& snapshot : snapshots_) roots.push_back(snapshot.tree);
        TRY(used.add_trees(repository_, roots, threads_, [] {}));
        for (uint32_t i = 0; i < repository_.blobs().size(); ++i) {
            const PackedBlob blob = repository_.blobs().at(i).blob;
            if (repository_.blobs().number_of(blob.type, blob.id) != i || !used.is_used(blob.type, blob.id))
                continue;
            ++counted_.blobs;
            counted_.bytes += blob.length;
            counted_.content_bytes += blob.content_size();
            if (blob.is_compressed()) counted_.compressed += blob.content_size();
        }
        return counted_;
    }

  private:
    /// Calls `each` with all entries, one at a time.
    Result<void> walk(std::span<const Id> roots, const std::function<bool(const Id&)>& claims,
                      const std::function<void(const Node&)>& each)
    {
        std::mutex mutex;
        TreeWalk trees;
        trees.threads = threads_;
        trees.claims = claims;
        trees.visit = [&](const Id& tree, const std::vector<Node>& nodes) -> Result<void> {
            const std::lock_guard lock(mutex);
            if (!repeats_.may_enter(tree, nodes.size()))
                return std::unexpected(TreeRepeats::error_at("the tree " + tree.short_hex()));
            for (const Node& node : nodes) each(node);
            return {};
        };
        return walk_trees(repository_, roots, trees);
    }

    Result<void> count_tree(const Id& tree, const std::string& path)
    {
        if (path.size() > longest_path)
            return fail(
                ErrorKind::corrupt,
                fmt::format("folders are nested deeper than any path can be: {}...", path.substr(0, 80)));
        if (!seen_.emplace(path, tree).second) return {};
        const std::string text = TRY(repository_.load_blob(BlobType::tree, tree));
        const std::vector<Node> nodes = TRY(read_tree(text));
        if (!repeats_.may_enter(tree, nodes.size()))
            return std::unexpected(TreeRepeats::error_at(path + "/"));
        for (const Node& node : nodes) {
            if (node.subtree) TRY(count_tree(*node.subtree, path + "/" + node.name));
            if (node.type == NodeType::file) count_file(node, path + "/" + node.name);
        }
        return {};
    }
    void count_file(const Node& node, const std::string& path)
    {
        if (node.content.empty() || !contents_.insert(content_id(node)).second) return;
        const auto [place, is_new] = blobs_of_path_.try_emplace(path);
        if (is_new) ++counted_.files;
        std::set<Id>& blobs = place->second;
        for (const Id& blob : node.content) {
            if (!blobs.insert(blob).second) continue;
            ++counted_.blobs;
            counted_.bytes += repository_.blobs().content_size(BlobType::data, blob).value_or(0);
        }
    }

    const Repository& repository_;
    std::span<const Snapshot> snapshots_;
    size_t threads_;
    Statistics counted_;
    TreeRepeats repeats_;  ///< of the snapshot at work
    std::set<std::pair<std::string, Id>> seen_;
    std::unordered_set<Id, IdHash> contents_;
    std::unordered_map<std::string, std::set<Id>> blobs_of_path_;
};

}  // namespace

double Statistics::compression_ratio() const
{
    return bytes == 0 ? 1 : static_cast<double>(content_bytes) / static_cast<double>(bytes);
}

Result<CountMode> count_mode_from_text(std::string_view text)
{
    if (text == "restore-size") return CountMode::restore_size;
    if (text == "files-by-contents") return CountMode::files_by_contents;
    if (text == "blobs-per-file") return CountMode::blobs_per_file;
    if (text == "raw-data") return CountMode::raw_data;
    return fail(ErrorKind::usage, fmt::format("nothing is counted by \"{}\"", text.substr(0, 80)),
                "name restore-size, files-by-contents, blobs-per-file or raw-data");
}

Result<Statistics> count_snapshots(const Repository& repository, std::span<const Snapshot> snapshots,
                                   CountMode mode, size_t threads)
{
    Counting counting(repository, snapshots, threads);
    switch (mode) {
        case CountMode::restore_size:
            return counting.restore_size();
        case CountMode::files_by_contents:
            return counting.files_by_contents();
        case CountMode::blobs_per_file:
            return counting.blobs_per_file();
        case CountMode::raw_data:
            return counting.raw_data();
    }
    return Statistics{};
}

}  // namespace belay::backup
