#include "backup/maintenance/used_blobs.h"

namespace belay::backup {

void UsedBlobs::grow()
{
    const size_t words = blobs_.size() / 64 + 1;
    if (words <= words_) return;
    auto bits = std::make_unique<std::atomic<uint64_t>[]>(words);
    for (size_t i = 0; i < words_; ++i) bits[i] = bits_[i].load();
    bits_ = std::move(bits);
    words_ = words;
}

std::optional<bool> UsedBlobs::mark(BlobType type, const Id& id)
{
    const std::optional<uint32_t> number = blobs_.number_of(type, id);
    if (!number) return std::nullopt;
    const uint64_t bit = uint64_t{1} << (*number % 64);
    const bool is_new = (bits_[*number / 64].fetch_or(bit, std::memory_order_relaxed) & bit) == 0;
    if (!is_new) return false;
    count_.fetch_add(1, std::memory_order_relaxed);
    if (first_marked_) first_marked_(*number);
    return true;
}

bool UsedBlobs::is_used(BlobType type, const Id& id) const
{
    const std::optional<uint32_t> number = blobs_.number_of(type, id);
    return number && test(*number);
}

Result<void> UsedBlobs::add_trees(const Repository& repository, std::span<const Id> roots, size_t threads,
                                  const std::function<void()>& progress)
{
    TreeWalk walk;
    walk.threads = threads;
    // One that no index knows is read all the same: that says what is wrong.
    walk.claims = [this](const Id& tree) { return mark(BlobType::tree, tree).value_or(true); };
    walk.visit = [&](const Id& tree, const std::vector<Node>& nodes) -> Result<void> {
        for (const Node& node : nodes) {
            for (const Id& blob : node.content) {
                if (mark(BlobType::data, blob)) continue;
                return fail(ErrorKind::corrupt,
                            fmt::format("tree {}: the file \"{}\" needs the blob {}, which no index knows",
                                        tree.short_hex(), node.name, blob.short_hex()));
            }
        }
        progress();
        return {};
    };
    return walk_trees(repository, roots, walk);
}

}  // namespace belay::backup
