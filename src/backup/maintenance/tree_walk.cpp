#include "backup/maintenance/tree_walk.h"

#include "backup/pipeline/workers.h"

namespace belay::backup {
namespace {

class Walker {
  public:
    Walker(const Repository& repository, const TreeWalk& walk)
        : repository_(repository), walk_(walk), workers_(threads_or_all(walk.threads))
    {
    }

    Result<void> run(std::span<const Id> roots)
    {
        for (const Id& root : roots) add(root);
        workers_.wait_until_idle();
        const std::lock_guard lock(mutex_);
        if (error_) return std::unexpected(*error_);
        return {};
    }

  private:
    void add(const Id& tree)
    {
        if (!walk_.claims(tree)) return;
        workers_.add(Urgency::folder, [this, tree] {
            if (stopped_) return;
            if (const Result<void> read = look_at(tree); !read) stop(read.error());
        });
    }
    Result<void> look_at(const Id& tree)
    {
        const std::string text = TRY(repository_.load_blob(BlobType::tree, tree));
        const Result<std::vector<Node>> nodes = read_tree(text);
        if (!nodes)
            return fail(nodes.error().kind, fmt::format("tree {}: {}", tree.short_hex(), nodes.error().what));
        TRY(walk_.visit(tree, *nodes));
        for (const Node& node : *nodes) {
            if (node.subtree) add(*node.subtree);
        }
        return {};
    }
    void stop(const Error& error)
    {
        const std::lock_guard lock(mutex_);
        if (!error_) error_ = error;
        stopped_ = true;
    }

    const Repository& repository_;
    const TreeWalk& walk_;
    std::mutex mutex_;
    std::optional<Error> error_;
    std::atomic<bool> stopped_ = false;
    Workers workers_;  ///< last: its threads end before the rest goes
};

}  // namespace

Result<void> walk_trees(const Repository& repository, std::span<const Id> roots, const TreeWalk& walk)
{
    return Walker(repository, walk).run(roots);
}

}  // namespace belay::backup
