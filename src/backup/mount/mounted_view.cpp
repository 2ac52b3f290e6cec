#include "backup/mount/mounted_view.h"

#include "backup/view/tree_walk.h"

#include <algorithm>

namespace belay::backup {
namespace {

/// Bytes that are kept of trees and of blobs that were read last.
constexpr uint64_t most_of_trees = 64 << 20, most_of_blobs = 64 << 20;

/// A name that a folder can have.
std::string as_name(std::string text)
{
    std::ranges::replace(text, '/', '_');
    return text.empty() || text == "." || text == ".." ? "_" : text;
}

/// The name that begins at `at`, which goes behind it.
std::string take_name(const std::string& path, size_t& at)
{
    const size_t end = std::min(path.find('/', at), path.size());
    std::string name = path.substr(at, end - at);
    at = end + 1;
    return name;
}

}  // namespace

MountedView::MountedView(Repository& repository, std::vector<Snapshot> snapshots, ReadSnapshots read_again)
    : repository_(repository),
      read_again_(std::move(read_again)),
      looked_at_(std::chrono::steady_clock::now()),
      trees_(most_of_trees),
      blobs_(most_of_blobs)
{
    show(std::move(snapshots));
}

void MountedView::show(std::vector<Snapshot> snapshots)
{
    snapshots_ = std::move(snapshots);
    root_ = {};
    for (const char* top : {"ids", "snapshots", "hosts", "tags"}) root_.below.try_emplace(top);
    for (const Snapshot& snapshot : snapshots_) {
        const std::string time = snapshot.time.text();
        add({"ids", snapshot.id.short_hex()}, snapshot);
        add({"snapshots", time}, snapshot);
        add({"hosts", as_name(snapshot.hostname), time}, snapshot);
        for (const std::string& tag : snapshot.tags) add({"tags", as_name(tag), time}, snapshot);
        root_.time = std::max(root_.time, snapshot.time);
    }
    const BlobTable& blobs = repository_.blobs();
    for (; counted_ < blobs.size(); ++counted_) total_size_ += blobs.at(counted_).blob.content_size();
}

void MountedView::look_again()
{
    const std::unique_lock looking(looking_, std::try_to_lock);
    if (!looking || std::chrono::steady_clock::now() - looked_at_ < between_looks) return;
    Result<std::vector<Snapshot>> found = read_again_();
    looked_at_ = std::chrono::steady_clock::now();
    if (!found || std::ranges::equal(*found, snapshots_, {}, &Snapshot::id, &Snapshot::id)) return;
    const std::lock_guard changing(changing_);
    // What they are made of was in the index before they were there.
    if (!repository_.load_newer_index([](const Id&, const Error&) {})) return;
    show(*std::move(found));
}

/// Where two snapshots would have one name, the later one gets a number behind it.
void MountedView::add(const std::vector<std::string>& way, const Snapshot& snapshot)
{
    Folder* folder = &root_;
    for (size_t i = 0; i + 1 < way.size(); ++i) folder = &folder->below[way[i]];
    std::string name = way.back();
    for (unsigned number = 1; folder->below.contains(name); ++number)
        name = fmt::format("{}-{}", way.back(), number);
    Folder& made = folder->below[name];
    made.snapshot = &snapshot;
    made.time = snapshot.time;
    folder->time = std::max(folder->time, snapshot.time);
    if (way.front() != "ids") folder->below["latest"].link = name;
}

MountedView::Entry MountedView::entry_of(const Folder& folder)
{
    Entry entry{.node = {.type = folder.link.empty() ? NodeType::dir : NodeType::symlink,
                         .mode = folder.link.empty() ? 0555U : 0777U,
                         .mtime = folder.time,
                         .atime = folder.time,
                         .ctime = folder.time,
                         .link_target = folder.link},
                .is_of_view = true};
    for (const auto& [name, below] : folder.below) entry.below.push_back(name);
    return entry;
}

const MountedView::Folder* MountedView::folder_on(const std::string& path, size_t& at) const
{
    const Folder* folder = &root_;
    while (at < path.size() && folder->snapshot == nullptr) {
        const auto found = folder->below.find(take_name(path, at));
        if (found == folder->below.end()) return nullptr;
        folder = &found->second;
    }
    return folder;
}

Result<MountedView::Entry> MountedView::find(const std::string& path)
{
    {
        const std::shared_lock reading(changing_);
        size_t at = 1;
        const Folder* folder = folder_on(path, at);
        if (folder != nullptr && folder->snapshot != nullptr) return find_below(*folder, path, at);
    }
    look_again();
    const std::shared_lock reading(changing_);
    size_t at = 1;
    const Folder* folder = folder_on(path, at);
    if (folder == nullptr) return fail(ErrorKind::not_found, fmt::format("there is no {}", path));
    return folder->snapshot != nullptr ? find_below(*folder, path, at) : entry_of(*folder);
}

Result<MountedView::Entry> MountedView::find_below(const Folder& snapshot, const std::string& path, size_t at)
{
    Node node{.type = NodeType::dir,
              .mode = 0555,
              .mtime = snapshot.time,
              .atime = snapshot.time,
              .ctime = snapshot.time,
              .subtree = snapshot.snapshot->tree};
    while (at < path.size()) {
        const std::string name = take_name(path, at);
        if (node.type != NodeType::dir || !node.subtree)
            return fail(ErrorKind::not_found, fmt::format("there is no {}", path));
        const std::shared_ptr<const Tree> nodes = TRY(tree(*node.subtree));
        const auto found = std::ranges::lower_bound(*nodes, name, {}, &Node::name);
        if (found == nodes->end() || found->name != name)
            return fail(ErrorKind::not_found, fmt::format("there is no {}", path));
        node = *found;
    }
    return Entry{.node = std::move(node)};
}

Result<std::vector<std::string>> MountedView::names_in(const Entry& folder)
{
    if (folder.is_of_view) return folder.below;
    std::vector<std::string> names;
    if (folder.node.type != NodeType::dir)
        return fail(ErrorKind::usage, fmt::format("{} is no folder", folder.node.name));
    if (!folder.node.subtree) return names;
    const std::shared_lock reading(changing_);
    const std::shared_ptr<const Tree> nodes = TRY(tree(*folder.node.subtree));
    for (const Node& node : *nodes) names.push_back(node.name);
    return names;
}

Result<std::shared_ptr<const MountedView::Tree>> MountedView::tree(const Id& id)
{
    if (std::shared_ptr<const Tree> known = trees_.find(id)) return known;
    auto loaded = std::make_shared<const Tree>(TRY(load_tree(repository_, id)));
    uint64_t size = 0;
    for (const Node& node : *loaded) size += sizeof node + node.content.size() * Id::size + 100;
    trees_.keep(id, loaded, size);
    return loaded;
}

Result<std::shared_ptr<const std::string>> MountedView::blob(const Id& id)
{
    if (std::shared_ptr<const std::string> known = blobs_.find(id)) return known;
    auto loaded = std::make_shared<const std::string>(TRY(repository_.load_blob(BlobType::data, id)));
    blobs_.keep(id, loaded, loaded->size());
    return loaded;
}

Result<size_t> MountedView::read(const Node& file, uint64_t offset, std::span<char> buffer)
{
    const std::shared_lock reading(changing_);
    size_t got = 0;
    uint64_t begins = 0;
    for (const Id& id : file.content) {
        const std::optional<uint64_t> size = repository_.blobs().content_size(BlobType::data, id);
        if (!size)
            return fail(ErrorKind::not_found, fmt::format("no index knows the blob {}", id.short_hex()));
        if (begins + *size > offset && got < buffer.size()) {
            const std::shared_ptr<const std::string> content = TRY(blob(id));
            const size_t from = offset - begins;
            if (from > content->size())
                return fail(ErrorKind::corrupt, "a blob is shorter than the index says");
            const size_t count = std::min(content->size() - from, buffer.size() - got);
            std::ranges::copy_n(content->data() + from, static_cast<ptrdiff_t>(count), buffer.data() + got);
            got += count;
            offset += count;
        }
        begins += *size;
        if (got == buffer.size()) break;
    }
    return got;
}

}  // namespace belay::backup
