// Every kind of file of a repository, damaged at random, thousands of times: the check finds it, nothing
// wrong is restored as if it were right, and a repair brings back all that is left.

#include "backup/maintenance/keys.h"
#include "backup/maintenance/repair.h"
#include "how_many.h"
#include "in_memory.h"

#include <regex>
#include <sys/stat.h>
#include <thread>

namespace belay::backup {
namespace {

using Files = std::map<FileName, std::string>;
using BlobName = std::pair<BlobType, Id>;

/// A file or folder of a snapshot as it was saved.
struct SavedEntry {
    Node node;
    std::vector<BlobName> trees;  ///< of the folders that lead to it, and its own
};

/// A repository in memory, and all that is known of it.
struct SoundRepository {
    Files files;
    std::map<Id, std::map<std::string, SavedEntry>> snapshots;  ///< entries by their paths
    std::map<BlobName, std::vector<StoredBlob>> places;
    std::map<Id, std::string> contents;  ///< of data blobs
    std::set<Id> spare_indexes;          ///< what they list lies in packs of others as well
    Id other_key;
};

constexpr std::string_view other_password = "another";

void note_tree(SoundRepository& sound, const Repository& repository, const Id& snapshot, const Id& tree,
               const std::string& above, std::vector<BlobName> trees)
{
    trees.emplace_back(BlobType::tree, tree);
    for (const Node& node : must(read_tree(must(repository.load_blob(BlobType::tree, tree))))) {
        const std::string path = above + "/" + node.name;
        sound.snapshots[snapshot][path] = {node, trees};
        if (node.subtree) {
            note_tree(sound, repository, snapshot, *node.subtree, path, trees);
            sound.snapshots[snapshot][path].trees.emplace_back(BlobType::tree, *node.subtree);
        }
    }
}

void note_spare_indexes(SoundRepository& sound, const Repository& repository)
{
    for (const auto& [name, content] : sound.files) {
        if (name.kind != FileKind::index) continue;
        std::vector<IndexedPack> packs;
        must(read_index(must(repository.load_text(name)),
                        [&](IndexedPack pack) { packs.push_back(std::move(pack)); }));
        std::set<Id> own;
        for (const IndexedPack& pack : packs) own.insert(pack.id);
        const auto is_spare = [&](const PackedBlob& blob) {
            return std::ranges::any_of(sound.places.at({blob.type, blob.id}),
                                       [&](const StoredBlob& place) { return !own.contains(place.pack); });
        };
        if (std::ranges::all_of(
                packs, [&](const IndexedPack& pack) { return std::ranges::all_of(pack.blobs, is_spare); }))
            sound.spare_indexes.insert(name.id);
    }
}

/// Stores a state of a small tree: files of one to five blobs each, some of which are others in each state.
/// A real file of two blobs would be larger than all of this.
class StateWriter {
  public:
    StateWriter(Repository& repository, unsigned state)
        : repository_(repository), state_(state), writer_(repository, {.pack_size = 12 << 10})
    {
    }

    void save()
    {
        std::vector<Node> deeper, folder, root;
        for (unsigned i = 0; i < 7; ++i)
            (i % 3 == 0 ? root : i % 3 == 1 ? folder : deeper).push_back(file(i));
        root.push_back(node("empty", NodeType::file, 04600));
        folder.push_back(node("link", NodeType::symlink, 0777));
        folder.back().link_target = "../nowhere";
        folder.push_back(this->folder("deeper", deeper));
        root.push_back(this->folder("folder", folder));
        const Id tree = put(root);
        must(writer_.finish());
        static_cast<void>(must(save_snapshot(repository_, {.hostname = "host"}, {"/"}, tree)));
    }

  private:
    static Node node(std::string name, NodeType type, uint32_t mode)
    {
        Node node{.name = std::move(name), .type = type, .mode = mode};
        node.mtime = node.atime = node.ctime = {.seconds = -5, .nanoseconds = 123'456'789};
        node.uid = ::geteuid();
        node.gid = ::getegid();
        return node;
    }
    Node file(unsigned number)
    {
        Node file = node(fmt::format("file{}", number), NodeType::file, 0640 + number % 4);
        for (unsigned part = 0; part <= number % 5; ++part) {
            const unsigned seed = 100 * number + part;
            const std::string content =
                Scratch::random_text(1500 + seed, part % 2 == 0 ? seed : seed + 10'000 * state_);
            file.content.push_back(Id::of(content));
            must(writer_.put(BlobType::data, file.content.back(), content));
            file.size += content.size();
        }
        return file;
    }
    Node folder(std::string name, std::vector<Node>& nodes)
    {
        Node folder = node(std::move(name), NodeType::dir, 01750);
        folder.subtree = put(nodes);
        return folder;
    }
    Id put(std::vector<Node>& nodes)
    {
        std::ranges::sort(nodes, {}, &Node::name);
        const std::string text = tree_text(nodes);
        const Id id = Id::of(text);
        must(writer_.put(BlobType::tree, id, text));
        return id;
    }

    Repository& repository_;
    unsigned state_;
    BlobWriter writer_;
};

/// Three states of a small tree; the second is saved by two at once, so that blobs lie in two packs. There
/// are two keys, and a lock of somebody who is gone.
SoundRepository make_sound(unsigned version)
{
    SoundRepository sound;
    MemoryBackend memory;
    init(memory, version);
    Repository first = opened(memory);
    StateWriter(first, 1).save();
    Repository second = opened(memory), third = opened(memory);
    StateWriter(second, 2).save();
    StateWriter(third, 2).save();
    Repository fourth = opened(memory);
    StateWriter(fourth, 3).save();

    const Repository repository = opened(memory);
    sound.other_key =
        must(add_key(repository, {.password = other_password, .cost = {.n = 16, .r = 1, .p = 1}}));
    LockFile lock = LockFile::of_this_process(false);
    lock.time.seconds -= 24L * 3600;
    static_cast<void>(must(repository.save_text(FileKind::lock, lock.to_text())));
    for (const Snapshot& snapshot : must(repository.snapshots(no_problem)))
        note_tree(sound, repository, snapshot.id, snapshot.tree, "", {});
    repository.blobs().for_each([&](const StoredBlob& stored) {
        sound.places[{stored.blob.type, stored.blob.id}].push_back(stored);
        if (stored.blob.type == BlobType::data)
            sound.contents[stored.blob.id] = must(repository.load_blob(BlobType::data, stored.blob.id));
    });
    sound.files = memory.files();
    note_spare_indexes(sound, repository);
    return sound;
}

enum class Damage { removed, cut, bit, swapped, zeros };

/// What was done to which file.
struct Damaged {
    FileName file;
    Damage damage = Damage::removed;
    size_t at = 0;  ///< the byte, or the new size

    std::string text() const
    {
        constexpr std::string_view names[] = {"removed", "cut to byte", "changed by a bit in byte",
                                              "swapped for another", "made zeros"};
        return fmt::format("{} {} {}", file.text(), names[static_cast<size_t>(damage)], at);
    }
    /// Whether it has taken a blob that lies in a pack.
    bool harms(const StoredBlob& stored) const
    {
        if (file.kind != FileKind::pack || stored.pack != file.id) return false;
        const size_t end = size_t{stored.blob.offset} + stored.blob.length;
        if (damage == Damage::cut) return end > at;
        if (damage == Damage::bit) return at >= stored.blob.offset && at < end;
        return true;
    }
};

/// Damages a file of a kind that is chosen first, since most files are packs.
Damaged damage_one(Files& files, std::mt19937_64& random)
{
    constexpr FileKind kinds[] = {FileKind::config, FileKind::key,  FileKind::lock, FileKind::snapshot,
                                  FileKind::index,  FileKind::pack, FileKind::pack, FileKind::pack};
    const FileKind kind = kinds[random() % std::size(kinds)];
    std::vector<FileName> names;
    for (const auto& [name, content] : files) {
        if (name.kind == kind) names.push_back(name);
    }
    Damaged done;
    done.file = names[random() % names.size()];
    std::string& content = files.at(done.file);
    done.damage = static_cast<Damage>(random() % 5);
    if (done.damage == Damage::swapped && names.size() == 1) done.damage = Damage::removed;
    switch (done.damage) {
        case Damage::removed:
            files.erase(done.file);
            break;
        case Damage::cut:
            done.at = random() % content.size();
            content.resize(done.at);
            break;
        case Damage::bit:
            done.at = random() % content.size();
            content[done.at] = static_cast<char>(content[done.at] ^ (1 << random() % 8));
            break;
        case Damage::swapped: {
            FileName other = done.file;
            while (other == done.file) other = names[random() % names.size()];
            content = files.at(other);
            break;
        }
        case Damage::zeros:
            content.assign(content.size(), '\0');
            break;
    }
    return done;
}

/// One trial: everything is looked at, and what is wrong is collected.
class Trial {
  public:
    Trial(const SoundRepository& sound, const Scratch& scratch, std::vector<std::string>& wrong)
        : sound_(sound), scratch_(scratch), wrong_(wrong)
    {
    }

    void run(uint64_t seed, bool with_repair)
    {
        std::mt19937_64 random(seed);
        memory_.files() = sound_.files;
        damaged_ = damage_one(memory_.files(), random);
        what_ = fmt::format("seed {}: {}", seed, damaged_.text());
        find();
        if (Result<Repository> repository = open()) restore_one(*repository, random);
        if (with_repair) repair(random);
    }

  private:
    void wrong(const std::string& what) { wrong_.push_back(what_ + ": " + what); }

    /// By the password whose key is not the one that is damaged.
    Result<Repository> open()
    {
        const bool first_is_damaged =
            damaged_.file.kind == FileKind::key && damaged_.file.id != sound_.other_key;
        return Repository::open(std::make_unique<Borrowed>(memory_),
                                first_is_damaged ? other_password : Scratch::password);
    }

    /// What the check finds.
    std::vector<std::string> errors_of_check()
    {
        Result<Repository> repository = open();
        if (!repository) return {repository.error().what};
        CheckingNotes notes;
        CheckingSummary summary;
        const Result<void> done = check_repository(
            *repository, {.reads_data = [](const Id&) { return true; }, .threads = 1}, notes, summary);
        if (!done) notes.errors.push_back(done.error().what);
        return notes.errors;
    }

    /// A lock is nobody's data, and one that cannot be read locks nobody out. Of a snapshot or a key that is
    /// gone nothing tells that it ever was there. Where all that an index listed lies in other packs too,
    /// its own packs are but room that is wasted.
    bool is_harmless() const
    {
        const FileKind kind = damaged_.file.kind;
        if (kind == FileKind::lock) return true;
        if (damaged_.damage != Damage::removed) return false;
        return kind == FileKind::snapshot || kind == FileKind::key ||
               sound_.spare_indexes.contains(damaged_.file.id);
    }

    void find()
    {
        errors_ = errors_of_check();
        if (is_harmless()) {
            for (const std::string& error : errors_) wrong("the check accuses what is sound: " + error);
        } else if (errors_.empty()) {
            wrong("the check finds nothing");
        }
    }

    bool is_lost(const BlobName& blob) const
    {
        return std::ranges::all_of(sound_.places.at(blob),
                                   [&](const StoredBlob& place) { return damaged_.harms(place); });
    }
    bool is_reached(const SavedEntry& entry, bool is_folder) const
    {
        // That its own tree is lost makes a folder empty.
        const size_t trees = entry.trees.size() - (is_folder ? 1 : 0);
        for (size_t i = 0; i < trees; ++i)
            if (is_lost(entry.trees[i])) return false;
        return true;
    }

    struct Restored {
        RestoringNotes notes;
        RestoringSummary summary;
        std::string target;

        /// Something was said of it, or of a folder above it.
        bool is_told(std::string path) const
        {
            for (; !path.empty(); path.resize(path.rfind('/')))
                if (notes.problems.contains(path) || notes.problems.contains(target + path)) return true;
            return false;
        }
    };

    /// Any snapshot comes back: each of its entries is right, or was told.
    void restore_one(Repository& repository, std::mt19937_64& random)
    {
        if (!repository.load_index([](const Id&, const Error&) {})) return wrong("no index can be loaded");
        const auto found = repository.snapshots([](const Id&, const Error&) {});
        if (!found) return wrong("the snapshots cannot be listed");
        const size_t damaged = damaged_.file.kind == FileKind::snapshot ? 1 : 0;
        if (found->size() + damaged != sound_.snapshots.size()) return wrong("snapshots are missing");
        const Snapshot& snapshot = (*found)[random() % found->size()];
        Restored restored;
        if (!restore(repository, snapshot.tree, restored)) {
            if (damaged_.file.kind != FileKind::pack && damaged_.file.kind != FileKind::index)
                wrong("a restore fails");
            return;
        }
        for (const auto& [path, entry] : sound_.snapshots.at(snapshot.id)) {
            if (restored.is_told(path)) continue;
            if (const std::string odd = compare(restored.target + path, entry.node); !odd.empty())
                wrong(fmt::format("{} is restored wrong, and nobody said so: {}", path, odd));
        }
        clear(restored);
    }

    bool restore(const Repository& repository, const Id& tree, Restored& restored)
    {
        restored.target = scratch_.path("back");
        return restore_tree(repository, tree, {.target = restored.target, .threads = 1}, restored.notes,
                            restored.summary)
            .has_value();
    }
    static void clear(const Restored& restored) { std::filesystem::remove_all(restored.target); }

    std::string content_of(const Node& node, bool without_lost) const
    {
        std::string content;
        for (const Id& id : node.content) {
            if (!without_lost || !is_lost({BlobType::data, id})) content += sound_.contents.at(id);
        }
        return content;
    }

    /// In what it is not as it was; empty where it is.
    std::string compare(const std::string& path, const Node& node) const
    {
        struct stat status = {};
        if (::lstat(path.c_str(), &status) != 0) return "it is not there";
        if (node.type == NodeType::symlink)
            return std::filesystem::read_symlink(path) == node.link_target ? "" : "another target";
        if (S_ISDIR(status.st_mode) != (node.type == NodeType::dir)) return "another type";
        if ((status.st_mode & 07777) != node.mode) return "another mode";
        if (status.st_mtim.tv_sec != node.mtime.seconds ||
            status.st_mtim.tv_nsec != static_cast<long>(node.mtime.nanoseconds))
            return "another time";
        if (node.type == NodeType::file && read(path) != content_of(node, false)) return "another content";
        return "";
    }
    static std::string read(const std::string& path)
    {
        std::ifstream file(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    }

    /// As somebody does it who reads what the check says.
    Result<void> do_repair()
    {
        RepairNotes notes;
        Repository repository = TRY(open());
        TRY(remove_locks(repository, true));
        constexpr std::chrono::milliseconds at_once{0};
        {
            const auto lock = TRY(RepositoryLock::take(repository, Access::exclusive, at_once));
            IndexRepairSummary index;
            TRY(repair_index(repository, *lock, {.threads = 1}, notes, index));
        }
        std::set<Id> packs;
        std::smatch hex;
        static const std::regex names_pack("pack ([0-9a-f]{64})");
        for (const std::string& error : errors_of_check()) {
            if (std::regex_search(error, hex, names_pack)) packs.insert(must(Id::from_hex(hex[1].str())));
        }
        if (!packs.empty()) {
            const auto lock = TRY(RepositoryLock::take(repository, Access::exclusive, at_once));
            PackRepairSummary summary;
            const std::vector<Id> ids(packs.begin(), packs.end());
            TRY(repair_packs(repository, *lock, ids, 12 << 10, notes, summary));
        }
        std::vector<Id> unreadable;
        const std::vector<Snapshot> all =
            TRY(repository.snapshots([&](const Id& id, const Error&) { unreadable.push_back(id); }));
        const auto lock = TRY(RepositoryLock::take(repository, Access::shared, at_once));
        TRY(forget_snapshots(repository, *lock, unreadable, [](const Id&) {}));
        SnapshotRepairSummary snapshots;
        TRY(repair_snapshots(repository, *lock, all, all, {.forget = true}, notes, snapshots));
        if (damaged_.file.kind == FileKind::key && memory_.files().contains(damaged_.file))
            TRY(remove_key(repository, damaged_.file.id));
        return {};
    }

    void repair(std::mt19937_64& random)
    {
        if (damaged_.file.kind == FileKind::config) return;  // there is but a copy of it that helps
        if (const Result<void> done = do_repair(); !done)
            return wrong("it cannot be repaired: " + done.error().what);
        for (const std::string& error : errors_of_check()) wrong("after the repair: " + error);
        Repository repository = must(open());
        must(repository.load_index([&](const Id&, const Error&) { wrong("an index is damaged still"); }));
        std::map<Id, Snapshot> by_origin;
        for (const Snapshot& snapshot : must(repository.snapshots([](const Id&, const Error&) {})))
            by_origin[snapshot.original.value_or(snapshot.id)] = snapshot;
        auto chosen = sound_.snapshots.begin();
        std::advance(chosen, random() % sound_.snapshots.size());
        const auto& [id, entries] = *chosen;
        const bool is_gone = damaged_.file == FileName{FileKind::snapshot, id};
        const bool root_is_lost = is_lost(entries.begin()->second.trees.front());
        if (is_gone || root_is_lost) {
            if (by_origin.contains(id)) wrong("a snapshot is there of which nothing is left");
            return;
        }
        if (!by_origin.contains(id)) return wrong("a snapshot is gone");
        Restored restored;
        if (!restore(repository, by_origin.at(id).tree, restored))
            return wrong("what is repaired cannot be restored");
        for (const auto& [path, error] : restored.notes.problems)
            wrong(fmt::format("{} after the repair: {}", path, error));
        for (const auto& [path, entry] : entries) compare_repaired(restored.target + path, path, entry);
        clear(restored);
    }

    /// What was not harmed is as it was; a file that was keeps the rest.
    void compare_repaired(const std::string& where, const std::string& path, const SavedEntry& entry)
    {
        struct stat status = {};
        const bool is_there = ::lstat(where.c_str(), &status) == 0;
        if (!is_reached(entry, entry.node.type == NodeType::dir)) {
            if (is_there) wrong(path + " is there, of a folder that is lost");
            return;
        }
        const bool is_whole = std::ranges::none_of(
            entry.node.content, [&](const Id& blob) { return is_lost({BlobType::data, blob}); });
        if (is_whole) {
            if (const std::string odd = compare(where, entry.node); !odd.empty())
                wrong(fmt::format("{} is not brought back, though nothing of it is lost: {}", path, odd));
        } else if (!is_there || read(where) != content_of(entry.node, true)) {
            wrong(path + " does not keep what is left of it");
        }
    }

    const SoundRepository& sound_;
    const Scratch& scratch_;
    std::vector<std::string>& wrong_;
    MemoryBackend memory_;
    Damaged damaged_;
    std::string what_;
    std::vector<std::string> errors_;
};

TEST_CASE(
    "whatever file is removed, cut, changed, swapped or made zeros: found, never restored wrong, and "
    "repaired as far as can be")
{
    const size_t damages = how_many("BELAY_DAMAGES", 10'000, 400);
    constexpr uint64_t first_seed = 20'260'000;
    const SoundRepository sound[2] = {make_sound(1), make_sound(2)};
    for (const SoundRepository& one : sound) {
        CHECK(one.snapshots.size() == 4);
        CHECK(one.files.size() > 20);
        CHECK(one.spare_indexes.size() == 2);
    }
    std::atomic<size_t> next = 0;
    std::mutex mutex;
    std::vector<std::string> wrong;
    const auto work = [&](const Scratch& scratch) {
        std::vector<std::string> here;
        for (size_t i = next++; i < damages; i = next++)
            Trial(sound[i % 2], scratch, here).run(first_seed + i, i % 8 < 2);
        const std::lock_guard lock(mutex);
        wrong.insert(wrong.end(), here.begin(), here.end());
    };
    {
        std::deque<Scratch> scratches;
        std::vector<std::jthread> threads;
        for (size_t i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i)
            threads.emplace_back([&, &scratch = scratches.emplace_back()] { work(scratch); });
    }
    MESSAGE(damages << " damages, seeds from " << first_seed);
    constexpr size_t most_shown = 20;
    for (size_t i = 0; i < std::min(wrong.size(), most_shown); ++i) FAIL_CHECK(wrong[i]);
    CHECK(wrong.empty());
}

}  // namespace
}  // namespace belay::backup
