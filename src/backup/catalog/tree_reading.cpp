#include "backup/catalog/tree_reading.h"

#include <algorithm>

namespace belay::backup::catalog {
namespace {

/// Of 40 bytes each.
constexpr size_t most_kept_entries = 400'000;
/// Of a larger tree one entry is looked for without keeping all.
constexpr size_t largest_kept_row = 64 << 10;
/// Linux has no path of more bytes.
constexpr size_t longest_folder_path = 4096;

}  // namespace

Result<TreeReader> TreeReader::make(Catalog& catalog)
{
    TreeReader reader;
    reader.get_ = TRY(catalog.connection().prepare("SELECT entries FROM tree WHERE number = ?"));
    return reader;
}

Result<const std::vector<PackedEntry>*> TreeReader::keep(int64_t tree, std::string_view row)
{
    std::vector<PackedEntry> read = TRY(unpack_entries(row));
    if (kept_entries_ > most_kept_entries) {
        kept_.clear();
        kept_entries_ = 0;
    }
    kept_entries_ += read.size();
    return &kept_.emplace(tree, std::move(read)).first->second;
}

Result<const std::vector<PackedEntry>*> TreeReader::entries(int64_t tree)
{
    const auto found = kept_.find(tree);
    if (found != kept_.end()) return &found->second;
    auto run = get_.run(tree);
    const bool is_there = TRY(run.row());
    return keep(tree, is_there ? run.bytes(0) : std::string_view());
}

Result<std::optional<PackedEntry>> TreeReader::find(int64_t tree, uint32_t name)
{
    const std::vector<PackedEntry>* all = nullptr;
    if (const auto found = kept_.find(tree); found != kept_.end()) {
        all = &found->second;
    } else {
        auto run = get_.run(tree);
        if (!TRY(run.row())) return std::optional<PackedEntry>();
        const std::string_view row = run.bytes(0);
        // The folders near the root are asked for again and again.
        if (row.size() > largest_kept_row) return find_packed(row, name);
        all = TRY(keep(tree, row));
    }
    const auto entry = std::ranges::find(*all, name, &PackedEntry::name);
    return entry == all->end() ? std::optional<PackedEntry>() : std::optional(*entry);
}

Result<WayUp> WayUp::make(Catalog& catalog, const RootSnapshots& roots, size_t most)
{
    WayUp way(catalog, roots, most);
    way.above_ = TRY(catalog.connection().prepare("SELECT tree, name FROM above WHERE subtree = ?"));
    return way;
}

Result<void> WayUp::open(int64_t tree, std::vector<Open>& stack)
{
    known_.emplace(tree, std::nullopt);
    Open opened{.tree = tree, .parents = {}};
    auto run = above_.run(tree);
    while (TRY(run.row())) opened.parents.push_back({run.integer(0), static_cast<uint32_t>(run.integer(1))});
    stack.push_back(std::move(opened));
    return {};
}

Result<void> WayUp::close(const Open& done)
{
    std::vector<FolderPlace> places;
    if (const std::vector<int64_t>* const clients = roots_.clients_of(done.tree))
        for (const int64_t client : *clients) places.push_back({client});
    // Most of the folders above are versions of one folder, which say the same; few say more than one thing.
    const std::vector<FolderPlace>* before = nullptr;
    uint32_t name_before = 0;
    std::string name;
    for (const Parent& parent : done.parents) {
        const std::vector<FolderPlace>& above = *known_.at(parent.tree);
        if (above.empty()) continue;
        if (before != nullptr && name_before == parent.name && *before == above) continue;
        if (before == nullptr || name_before != parent.name) name = TRY(catalog_.names().name(parent.name));
        before = &above;
        name_before = parent.name;
        for (const FolderPlace& place : above) {
            if (place.path.size() + 1 + name.size() > longest_folder_path) continue;
            FolderPlace below{place.client, place.path + "/" + name};
            if (std::ranges::find(places, below) == places.end()) places.push_back(std::move(below));
            if (places.size() > most_) break;
        }
        if (places.size() > most_) {
            is_cut_ = true;
            places.resize(most_);
            break;
        }
    }
    known_[done.tree] = std::move(places);
    return {};
}

Result<const std::vector<FolderPlace>*> WayUp::places(int64_t tree)
{
    if (!known_.contains(tree)) {
        std::vector<Open> stack;
        TRY(open(tree, stack));
        while (!stack.empty()) {
            Open& top = stack.back();
            if (top.next == top.parents.size()) {
                TRY(close(top));
                stack.pop_back();
                continue;
            }
            const int64_t parent = top.parents[top.next++].tree;
            const auto found = known_.find(parent);
            if (found == known_.end())
                TRY(open(parent, stack));
            else if (!found->second)
                return fail(ErrorKind::corrupt, "the catalog is damaged: a folder lies in itself",
                            "belay catalog rebuild");
        }
    }
    return &*known_.at(tree);
}

}  // namespace belay::backup::catalog
