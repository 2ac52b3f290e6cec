#include "backup/pipeline/folder_saver.h"

#include "host/descriptor.h"

#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

namespace belay::backup {

struct OpenFolder {
    std::shared_ptr<OpenFolder> parent;
    size_t slot = 0;  ///< of this folder's node in its parent
    std::string path;
    std::shared_ptr<host::Descriptor>
        above;                      ///< the folder on this machine that it lies in; none: by its path
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
    std::string path;
    std::shared_ptr<host::Descriptor> above;  ///< the folder on this machine that it lies in
    Compared compared = Compared::is_new;
    std::mutex mutex;
    std::vector<Id> content;
    std::atomic<size_t> pending = 1;  ///< chunks under way, and the reading itself

    Node& node() const { return folder->nodes[slot]; }
};

namespace {

/// A large file is read in pieces of this size; a chunk that is not whole at its end begins the next one.
constexpr size_t piece_size = 2 * Chunker::max_size;

std::string joined(const std::string& folder, const std::string& name)
{
    return folder.ends_with('/') ? folder + name : folder + "/" + name;
}

/// Names in a folder, sorted by their bytes. Errors: those of the system.
Result<std::vector<std::string>> names_in(int folder, const std::string& path)
{
    const int copy = ::fcntl(folder, F_DUPFD_CLOEXEC, 3);
    DIR* stream = copy < 0 ? nullptr : ::fdopendir(copy);
    if (stream == nullptr) return std::unexpected(system_error(fmt::format("list {}", path), errno));
    const std::unique_ptr<DIR, int (*)(DIR*)> closes(stream, ::closedir);
    std::vector<std::string> names;
    for (;;) {
        errno = 0;
        const dirent* entry = ::readdir(stream);  // NOLINT(concurrency-mt-unsafe): a stream of its own
        if (entry == nullptr) break;
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0) return std::unexpected(system_error(fmt::format("list {}", path), errno));
    std::ranges::sort(names);
    return names;
}

/// Reads until `room` bytes are there or the file ends.
Result<size_t> read_some(int file, char* buffer, size_t room, const std::string& path)
{
    size_t got = 0;
    while (got < room) {
        const ssize_t count = ::read(file, buffer + got, room - got);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return std::unexpected(system_error(fmt::format("read {}", path), errno));
        if (count == 0) break;
        got += static_cast<size_t>(count);
    }
    return got;
}

/// Opens an entry of a folder, or a path where there is none above it. What was found there is opened: no
/// link that somebody has put in its place. The access time stays as it is where that may be asked for.
host::Descriptor open_at(const std::shared_ptr<host::Descriptor>& above, const std::string& path, int flags)
{
    const int folder = above ? above->number() : AT_FDCWD;
    const std::string name = above ? path.substr(path.rfind('/') + 1) : path;
    flags |= O_CLOEXEC | O_NOFOLLOW;
    host::Descriptor file(::openat(folder, name.c_str(), flags | O_NOATIME));
    if (!file && errno == EPERM) file = host::Descriptor(::openat(folder, name.c_str(), flags));
    return file;
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
      most_chunks_waiting_(2 *
                           (options.threads != 0 ? options.threads : std::thread::hardware_concurrency())),
      workers_(options.threads != 0 ? options.threads : std::max(1U, std::thread::hardware_concurrency()))
{
}

Result<Id> FolderSaver::save(const TargetTree& targets)
{
    const auto root = std::make_shared<OpenFolder>();
    if (options_.parent) root->tree_before = options_.parent->tree;
    root->path = targets.root().is_whole ? targets.root().path : "";
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
        Result<Node> node =
            node_of_path(one.path, name, accounts_, [&](const Error& error) { problem(one.path, error); });
        if (!node) {
            problem(one.path, node.error());
            continue;
        }
        const bool is_folder = node->type == NodeType::dir || !one.is_whole;
        if (options_.is_excluded && options_.is_excluded(one.path, is_folder, node->size)) continue;
        if (one.is_whole) found_any_ = true;
        folder->nodes.push_back(*std::move(node));
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
            begin_entry(folder, slot, old, {one.path, nullptr});
            continue;
        }
        const auto next = std::make_shared<OpenFolder>();
        next->parent = folder;
        next->slot = slot;
        next->path = one.path;
        next->is_target = false;
        if (old != nullptr) next->tree_before = old->subtree;
        node.type = NodeType::dir;
        workers_.add(Urgency::folder, [this, next, &one] { open_target(next, one); });
    }
    entry_done(folder);
}

void FolderSaver::list_folder(const Folder& folder)
{
    if (is_stopped()) return;
    const auto handle =
        std::make_shared<host::Descriptor>(open_at(folder->above, folder->path, O_RDONLY | O_DIRECTORY));
    folder->above.reset();
    const Result<std::vector<std::string>> names =
        *handle ? names_in(handle->number(), folder->path)
                : std::unexpected(system_error(fmt::format("open {}", folder->path), errno));
    folder->pending = 1;
    if (!names) {
        // It is there, and empty: a person can see that it was.
        problem(folder->path, names.error());
        return entry_done(folder);
    }
    folder->before = nodes_before(folder->tree_before);
    const std::vector<Node>& before = folder->before;
    const FolderHandle here{handle->number(), folder->path};
    for (const std::string& name : *names) {
        const std::string path = joined(folder->path, name);
        Result<Node> node = node_of(here, name, find_node(before, name), accounts_,
                                    [&](const Error& error) { problem(path, error); });
        if (!node) {
            problem(path, node.error());
            continue;
        }
        const bool is_folder = node->type == NodeType::dir;
        const bool elsewhere = folder->device != 0 && node->device_id != folder->device;
        if (options_.is_excluded && options_.is_excluded(path, is_folder, node->size)) continue;
        if (elsewhere && !is_folder) continue;
        folder->nodes.push_back(*std::move(node));
    }
    folder->left_out.assign(folder->nodes.size(), 0);
    folder->pending += folder->nodes.size();
    for (size_t slot = 0; slot < folder->nodes.size(); ++slot) {
        const std::string& name = folder->nodes[slot].name;
        begin_entry(folder, slot, find_node(before, name), {joined(folder->path, name), handle});
    }
    entry_done(folder);
}

/// Sees to one entry of a folder; entry_done() is called when it is done, here or later.
void FolderSaver::begin_entry(const Folder& folder, size_t slot, const Node* before, const Place& place)
{
    Node& node = folder->nodes[slot];
    if (!options_.with_atime) node.atime = node.mtime;
    const Compared compared = before == nullptr ? Compared::is_new : Compared::changed;
    if (node.type == NodeType::dir) {
        const auto next = std::make_shared<OpenFolder>();
        next->parent = folder;
        next->slot = slot;
        next->path = place.path;
        next->above = place.above;
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
    if (node.type != NodeType::file) {
        report(place.path, node, before != nullptr && *before == node ? Compared::unchanged : compared);
        return entry_done(folder);
    }
    if (before != nullptr && is_unchanged(node, *before)) {
        node.content = before->content;
        report(place.path, node, Compared::unchanged);
        return entry_done(folder);
    }
    const auto file = std::make_shared<OpenFile>();
    file->folder = folder;
    file->slot = slot;
    file->path = place.path;
    file->above = place.above;
    file->compared = compared;
    workers_.add(Urgency::file, [this, file] { read_file(file); });
}

void FolderSaver::read_file(const File& file)
{
    if (is_stopped()) return;
    const std::string& path = file->path;
    const auto gives_up = [&](const Error& error) {
        problem(path, error);
        file->folder->left_out[file->slot] = 1;
        entry_done(file->folder);
    };
    const host::Descriptor open = open_at(file->above, path, O_RDONLY);
    file->above.reset();
    if (!open) return gives_up(system_error(fmt::format("open {}", path), errno));
    struct stat status = {};
    if (::fstat(open.number(), &status) != 0)
        return gives_up(system_error(fmt::format("look at {}", path), errno));
    if (!S_ISREG(status.st_mode))
        return gives_up({ErrorKind::refused, fmt::format("{} is no longer a file", path)});

    uint64_t size = 0;
    size_t chunks = 0;
    std::string tail;
    for (bool at_end = false; !at_end;) {
        const auto piece = std::make_shared<std::string>(std::move(tail));
        const size_t begun = piece->size();
        // A file that is no larger than it was is read at once; one byte more tells that it ends.
        const auto was = static_cast<uint64_t>(status.st_size);
        const size_t expected = was - std::min(size, was) + 1;
        const size_t room = std::min(piece_size - begun, std::max<size_t>(expected, 4096));
        Result<size_t> got = 0;
        piece->resize_and_overwrite(begun + room, [&](char* buffer, size_t) {
            got = read_some(open.number(), buffer + begun, room, path);
            return begun + got.value_or(0);
        });
        if (!got) return gives_up(got.error());
        at_end = *got < room;
        size += *got;
        std::string_view rest = *piece;
        while (!rest.empty() && (at_end || rest.size() >= Chunker::max_size)) {
            const std::string_view chunk = rest.substr(0, chunker_.first_chunk(rest));
            rest.remove_prefix(chunk.size());
            ++file->pending;
            const size_t number = chunks++;
            const bool only = at_end && rest.empty();
            if (only || workers_.waiting(Urgency::chunk) >= most_chunks_waiting_)
                store_chunk(file, number, chunk);
            else
                workers_.add(Urgency::chunk,
                             [this, file, number, piece, chunk] { store_chunk(file, number, chunk); });
            if (is_stopped()) return;
        }
        tail = std::string(rest);
    }
    struct stat after = {};
    const bool changed = ::fstat(open.number(), &after) != 0 || after.st_size != status.st_size ||
                         after.st_mtim.tv_sec != status.st_mtim.tv_sec ||
                         after.st_mtim.tv_nsec != status.st_mtim.tv_nsec;
    if (changed) observer_.changed_while_read(path);
    file->node().size = size;
    chunk_done(file);
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
    report(file->path, node, file->compared);
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
    std::vector<Node> nodes;
    for (size_t slot = 0; slot < folder->nodes.size(); ++slot) {
        if (folder->left_out[slot] == 0) nodes.push_back(std::move(folder->nodes[slot]));
    }
    folder->nodes.clear();
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
    if (folder->is_target) report(folder->path, node, same ? Compared::unchanged : folder->compared);
    entry_done(folder->parent);
}

}  // namespace belay::backup
