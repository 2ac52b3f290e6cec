#include "backup/pipeline/folder_saver.h"

#include "backup/pipeline/early_listing.h"

#include <algorithm>
#include <cerrno>
#include <unistd.h>

namespace belay::backup {

struct OpenFolder {
    std::shared_ptr<OpenFolder> parent;
    size_t slot = 0;  ///< of this folder's node in its parent
    Place place;
    dev_t device = 0;               ///< of the filesystem that the walk stays on; 0: any
    std::optional<Id> tree_before;  ///< in the parent snapshot
    std::vector<Node> before;       ///< its nodes; empty where it is not known
    std::vector<Node> nodes;        ///< sorted by name
    std::vector<uint8_t> left_out;  ///< of each node, whether it cannot be saved
    std::atomic<size_t> pending = 0;
    Compared compared = Compared::is_new;
    bool is_target = true;  ///< false: it only leads to what was asked for
};

struct OpenFile {
    std::shared_ptr<OpenFolder> folder;
    size_t slot = 0;
    Place place;
    Compared compared = Compared::is_new;
    std::mutex mutex;
    std::vector<Id> content;
    std::atomic<size_t> pending = 1;  ///< chunks under way, and the reading itself

    Node& node() const { return folder->nodes[slot]; }
};

namespace {

/// Reads until the room is full or the file ends.
Result<size_t> read_some(int file, std::span<char> room, const std::string& path)
{
    size_t got = 0;
    while (got < room.size()) {
        const ssize_t count = ::read(file, room.data() + got, room.size() - got);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return std::unexpected(system_error(fmt::format("read {}", path), errno));
        if (count == 0) break;
        got += static_cast<size_t>(count);
    }
    return got;
}

const Node* find_node(const std::vector<Node>& nodes, const std::string& name)
{
    const auto found = std::ranges::lower_bound(nodes, name, {}, &Node::name);
    return found != nodes.end() && found->name == name ? &*found : nullptr;
}

}  // namespace

FolderSaver::FolderSaver(Repository& repository, const SavingOptions& options, SavingObserver& observer,
                         BlobWriter& writer, SavingSummary& summary)
    : repository_(repository),
      options_(options),
      observer_(observer),
      writer_(writer),
      summary_(summary),
      chunker_(repository.config().polynomial),
      most_chunks_waiting_(threads_or_all(options.threads)),
      workers_(threads_or_all(options.threads))
{
}

Result<Id> FolderSaver::save(const TargetTree& targets)
{
    if (options_.early != nullptr) options_.early->stop();
    const auto root = std::make_shared<OpenFolder>();
    if (options_.parent) root->tree_before = options_.parent->tree;
    if (targets.root().is_whole) root->place.path = targets.root().path;
    root->is_target = false;
    found_any_ = targets.root().is_whole;
    if (targets.root().is_whole)
        workers_.add(Urgency::folder, [this, root] { list_folder(root); });
    else
        workers_.add(Urgency::folder, [this, root, &targets] { open_target(root, targets.root()); });
    workers_.wait_until_idle();
    const std::lock_guard lock(mutex_);
    if (error_) return std::unexpected(*error_);
    if (is_stopped())
        return fail(ErrorKind::refused, "given up; there is no snapshot of it",
                    "the same again goes on where it was");
    if (!found_any_)
        return fail(ErrorKind::not_found, "none of the paths could be saved", "look at what was said above");
    return *root_;
}

void FolderSaver::stop(const Error& error)
{
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = error;
    stopped_ = true;
}

void FolderSaver::problem(const std::string& path, const Error& error)
{
    ++summary_.problems;
    observer_.problem(path, error);
}

std::vector<Node> FolderSaver::nodes_before(const std::optional<Id>& tree)
{
    if (!tree) return {};
    // Without it everything is read again, which costs time and nothing else.
    const Result<std::string> text = repository_.load_blob(BlobType::tree, *tree);
    if (!text) return {};
    Result<std::vector<Node>> nodes = read_tree(*text);
    return nodes ? *std::move(nodes) : std::vector<Node>();
}

bool FolderSaver::is_unchanged(const Node& now, const Node& before) const
{
    const bool same = before.type == NodeType::file && now.mtime == before.mtime && now.size == before.size &&
                      (options_.ignore_ctime || now.ctime == before.ctime) &&
                      (options_.ignore_inode || now.inode == before.inode);
    return same && std::ranges::all_of(before.content, [&](const Id& id) {
               return repository_.blobs().contains(BlobType::data, id);
           });
}

void FolderSaver::open_target(const Folder& folder, const TargetTree::Target& target)
{
    folder->before = nodes_before(folder->tree_before);
    const std::vector<Node>& before = folder->before;
    std::vector<const TargetTree::Target*> below;
    for (const auto& [name, one] : target.below) {
        struct stat status = {};
        if (::lstat(one.path.c_str(), &status) != 0) {
            problem(one.path, system_error(fmt::format("look at {}", one.path), errno));
            continue;
        }
        Node node = node_of(name, status, accounts_);
        const bool is_folder = node.type == NodeType::dir || !one.is_whole;
        if (options_.is_excluded && options_.is_excluded(one.path, is_folder, node.size)) continue;
        if (one.is_whole) found_any_ = true;
        folder->nodes.push_back(std::move(node));
        below.push_back(&one);
    }
    folder->left_out.assign(folder->nodes.size(), 0);
    folder->pending = folder->nodes.size() + 1;
    for (size_t slot = 0; slot < below.size(); ++slot) {
        Node& node = folder->nodes[slot];
        const TargetTree::Target& one = *below[slot];
        const Node* old = find_node(before, node.name);
        // The way there is a path as a person has typed it: its parts may be links.
        if (one.is_whole) {
            begin_entry(folder, slot, old, {one.path});
            continue;
        }
        const Result<void> added =
            add_details(node, {one.path}, nullptr, [&](const Error& error) { problem(one.path, error); });
        if (!added) {
            leave_out(folder, slot, one.path, added.error());
            continue;
        }
        const auto next = std::make_shared<OpenFolder>();
        next->parent = folder;
        next->slot = slot;
        next->place = {one.path};
        next->is_target = false;
        if (old != nullptr) next->tree_before = old->subtree;
        node.type = NodeType::dir;
        workers_.add(Urgency::folder, [this, next, &one] { open_target(next, one); });
    }
    entry_done(folder);
}

Result<Listing> FolderSaver::listing_of(const Place& place, int handle)
{
    if (handle < 0) return std::unexpected(system_error(fmt::format("open {}", place.path), errno));
    if (options_.early != nullptr)
        if (auto listing = options_.early->take(place.path, handle)) return *std::move(listing);
    return list_entries(handle, place.path);
}

void FolderSaver::list_folder(const Folder& folder)
{
    if (is_stopped()) return;
    const std::string& path = folder->place.path;
    const auto handle = std::make_shared<host::Descriptor>(open_place(folder->place, O_RDONLY | O_DIRECTORY));
    Result<Listing> listing = listing_of(folder->place, handle->number());
    folder->place.above.reset();
    folder->pending = 1;
    if (!listing) {
        // It is there, and empty: a person can see that it was.
        problem(path, listing.error());
        return entry_done(folder);
    }
    for (ListedEntry& entry : listing->entries) {
        const std::string entry_path = path_below(path, entry.name);
        if (entry.problem != 0) {
            problem(entry_path, system_error(fmt::format("look at {}", entry_path), entry.problem));
            continue;
        }
        Node node = node_of(std::move(entry.name), entry.status, accounts_);
        const bool is_folder = node.type == NodeType::dir;
        const bool elsewhere = folder->device != 0 && node.device_id != folder->device;
        if (options_.is_excluded && options_.is_excluded(entry_path, is_folder, node.size)) continue;
        if (elsewhere && !is_folder) continue;
        folder->nodes.push_back(std::move(node));
    }
    folder->before = nodes_before(folder->tree_before);
    folder->left_out.assign(folder->nodes.size(), 0);
    folder->pending += folder->nodes.size();
    for (size_t slot = 0; slot < folder->nodes.size(); ++slot) {
        const std::string& name = folder->nodes[slot].name;
        begin_entry(folder, slot, find_node(folder->before, name), {path_below(path, name), handle});
    }
    entry_done(folder);
}

/// Sees to one entry of a folder; entry_done() is called when it is done, here or later.
void FolderSaver::begin_entry(const Folder& folder, size_t slot, const Node* before, Place place)
{
    Node& node = folder->nodes[slot];
    if (!options_.with_atime) node.atime = node.mtime;
    const Compared compared = before == nullptr ? Compared::is_new : Compared::changed;
    const bool unchanged = before != nullptr && is_unchanged(node, *before);
    if (node.type == NodeType::file && !unchanged) {
        const auto file = std::make_shared<OpenFile>();
        file->folder = folder;
        file->slot = slot;
        file->place = std::move(place);
        file->compared = compared;
        return workers_.add(Urgency::file, [this, file] { read_file(file); });
    }
    const Result<void> added =
        add_details(node, place, before, [&](const Error& error) { problem(place.path, error); });
    if (!added) return leave_out(folder, slot, place.path, added.error());
    if (node.type == NodeType::dir) {
        const auto next = std::make_shared<OpenFolder>();
        next->parent = folder;
        next->slot = slot;
        next->place = std::move(place);
        next->compared = compared;
        if (options_.one_file_system) next->device = folder->device != 0 ? folder->device : node.device_id;
        if (before != nullptr) next->tree_before = before->subtree;
        const bool elsewhere = folder->device != 0 && node.device_id != folder->device;
        if (elsewhere) {
            next->pending = 1;  // a mount point stays, empty
            return entry_done(next);
        }
        return workers_.add(Urgency::folder, [this, next] { list_folder(next); });
    }
    if (unchanged) node.content = before->content;
    const bool same = unchanged || (before != nullptr && *before == node);
    report(place.path, node, same ? Compared::unchanged : compared);
    entry_done(folder);
}

void FolderSaver::leave_out(const Folder& folder, size_t slot, const std::string& path, const Error& error)
{
    problem(path, error);
    folder->left_out[slot] = 1;
    entry_done(folder);
}

void FolderSaver::read_file(const File& file)
{
    if (is_stopped()) return;
    const std::string& path = file->place.path;
    const auto gives_up = [&](const Error& error) { leave_out(file->folder, file->slot, path, error); };
    const auto open = std::make_shared<host::Descriptor>(open_place(file->place, O_RDONLY));
    file->place.above.reset();
    if (!*open) return gives_up(system_error(fmt::format("open {}", path), errno));
    struct stat status = {};
    if (::fstat(open->number(), &status) != 0)
        return gives_up(system_error(fmt::format("look at {}", path), errno));
    if (!S_ISREG(status.st_mode))
        return gives_up({ErrorKind::refused, fmt::format("{} is no longer a file", path)});
    // It may have been changed since it was listed: what is read is described as it is now.
    Node& node = file->node();
    node = node_of(std::move(node.name), status, accounts_);
    if (!options_.with_atime) node.atime = node.mtime;
    Result<std::vector<ExtendedAttribute>> attributes = attributes_of(open->number(), path);
    if (attributes)
        node.attributes = *std::move(attributes);
    else
        problem(path, attributes.error());

    const Result<uint64_t> size = read_content(file, open, static_cast<uint64_t>(status.st_size));
    if (!size) return gives_up(size.error());
    if (is_stopped()) return;
    struct stat after = {};
    const bool changed = ::fstat(open->number(), &after) != 0 || after.st_size != status.st_size ||
                         after.st_mtim.tv_sec != status.st_mtim.tv_sec ||
                         after.st_mtim.tv_nsec != status.st_mtim.tv_nsec;
    if (changed) observer_.changed_while_read(path);
    node.size = *size;
    chunk_done(file);
}

/// Reads it to its end; how much that was. `expected`: what it was when it was opened.
Result<uint64_t> FolderSaver::read_content(const File& file, const std::shared_ptr<host::Descriptor>& open,
                                           uint64_t expected)
{
    // Somebody else may still be at it when this has given up.
    const auto read = [open, path = file->place.path](std::span<char> room) {
        return read_some(open->number(), room, path);
    };
    // A file that is no larger than it was is read at once; one byte more tells that it ends.
    const size_t first = std::min<uint64_t>(Pieces::size, std::max<uint64_t>(expected + 1, 4096));
    auto next = std::make_shared<PieceAhead>(pieces_.take(first), read);
    Cutter cutter(chunker_);
    uint64_t size = 0;
    size_t chunks = 0;
    std::shared_ptr<ReadPiece> piece;  // outlives the rest, which lies in it
    for (bool at_end = false; !at_end;) {
        PieceAhead::Done done = TRY(next->take());
        at_end = done.at_end;
        size += done.piece->bytes().size();
        if (!at_end) {
            next = std::make_shared<PieceAhead>(pieces_.take(Pieces::size), read);
            workers_.add(Urgency::piece, [next] { next->help(); });
        }
        done.piece->put_before(cutter.rest());
        piece = std::move(done.piece);
        cutter.go_on(piece->bytes(), at_end);
        while (const auto cut = cutter.next()) {
            const std::string_view chunk = *cut;
            ++file->pending;
            const size_t number = chunks++;
            const bool only = at_end && cutter.rest().empty();
            if (only || workers_.waiting(Urgency::chunk) >= most_chunks_waiting_)
                store_chunk(file, number, chunk);
            else
                workers_.add(Urgency::chunk,
                             [this, file, number, piece, chunk] { store_chunk(file, number, chunk); });
            if (is_stopped()) return size;
        }
    }
    return size;
}

void FolderSaver::store_chunk(const File& file, size_t number, std::string_view chunk)
{
    if (is_stopped()) return;
    const Id id = Id::of(chunk);
    {
        const std::lock_guard lock(file->mutex);
        if (file->content.size() <= number) file->content.resize(number + 1);
        file->content[number] = id;
    }
    const Result<bool> stored = writer_.put(BlobType::data, id, chunk);
    if (!stored) return stop(stored.error());
    chunk_done(file);
}

void FolderSaver::chunk_done(const File& file)
{
    if (--file->pending > 0) return;
    Node& node = file->node();
    node.content = std::move(file->content);
    report(file->place.path, node, file->compared);
    entry_done(file->folder);
}

void FolderSaver::report(const std::string& path, const Node& node, Compared compared)
{
    SavingSummary::Counts& counts = node.type == NodeType::dir ? summary_.folders : summary_.files;
    if (node.type == NodeType::dir || node.type == NodeType::file)
        ++(compared == Compared::is_new    ? counts.is_new
           : compared == Compared::changed ? counts.changed
                                           : counts.unchanged);
    if (node.type == NodeType::file) summary_.bytes += node.size;
    observer_.done(path, node, compared);
}

void FolderSaver::entry_done(const Folder& folder)
{
    if (--folder->pending == 0) close_folder(folder);
}

Result<Id> FolderSaver::store_tree(const OpenFolder& folder, const std::vector<Node>& nodes)
{
    // Most folders are as they were: then their text need not be made to know its id.
    if (folder.tree_before && !nodes.empty() && nodes == folder.before) return *folder.tree_before;
    const std::string text = tree_text(nodes);
    const Id id = Id::of(text);
    TRY(writer_.put(BlobType::tree, id, text));
    return id;
}

void FolderSaver::close_folder(const Folder& folder)
{
    if (is_stopped()) return;
    std::vector<Node> nodes = std::exchange(folder->nodes, {});
    size_t slot = 0;
    std::erase_if(nodes, [&](const Node&) { return folder->left_out[slot++] != 0; });
    const Result<Id> stored = store_tree(*folder, nodes);
    if (!stored) return stop(stored.error());
    const Id id = *stored;
    folder->before.clear();
    if (!folder->parent) {
        const std::lock_guard lock(mutex_);
        root_ = id;
        return;
    }
    Node& node = folder->parent->nodes[folder->slot];
    node.subtree = id;
    const bool same = folder->tree_before && *folder->tree_before == id;
    if (folder->is_target) report(folder->place.path, node, same ? Compared::unchanged : folder->compared);
    entry_done(folder->parent);
}

}  // namespace belay::backup
