// Repositories of somebody who has the key and means harm: each is refused or told with one sentence; nothing
// is written beside the target, no memory is taken on a liar's word, and all comes to an end.

#include "backup/maintenance/prune.h"
#include "backup/maintenance/rewriting.h"
#include "backup/maintenance/statistics.h"
#include "backup/repository/pack_builder.h"
#include "backup/repository/sealed_text.h"
#include "backup/view/tree_walk.h"
#include "in_memory.h"

#include <sys/resource.h>

namespace belay::backup {
namespace {

/// What a case may take, far below what its liar asks for.
class Bounds {
  public:
    Bounds() : began_(std::chrono::steady_clock::now()) {}
    ~Bounds()
    {
#if !defined(BELAY_SANITIZE_ADDRESS) && !defined(BELAY_SANITIZE_THREAD)
        struct rusage usage = {};
        ::getrusage(RUSAGE_SELF, &usage);
        constexpr long most_kib = 768 << 10;
        CHECK(usage.ru_maxrss < most_kib);
#endif
        CHECK(std::chrono::steady_clock::now() - began_ < std::chrono::seconds(60));
    }
    Bounds(const Bounds&) = delete;
    Bounds& operator=(const Bounds&) = delete;

  private:
    std::chrono::steady_clock::time_point began_;
};

/// A repository that holds whatever it is told to.
class HostileRepository {
  public:
    Repository open()
    {
        return must(Repository::open(std::make_unique<Borrowed>(memory), Scratch::password));
    }

    /// Puts blobs into a pack that the index knows by what `lie` makes of the truth.
    Id pack(const std::vector<SealedBlob>& blobs, const std::function<void(IndexedPack&)>& lie = {})
    {
        PackBuilder builder;
        for (const SealedBlob& blob : blobs) builder.add(blob);
        FinishedPack made = must(builder.finish(repository.key()));
        made.index.id = Id::of(made.bytes);
        memory.files()[{FileKind::pack, made.index.id}] = made.bytes;
        if (lie) lie(made.index);
        save_index(index_text({&made.index, 1}));
        return made.index.id;
    }
    void save_index(const std::string& text)
    {
        static_cast<void>(must(repository.save_text(FileKind::index, text)));
    }
    SealedBlob blob(BlobType type, const std::string& content)
    {
        return must(repository.seal_blob(type, Id::of(content), content, Compression::automatic));
    }
    /// One of those that say what they make and do not.
    SealedBlob sealed_frame(BlobType type, const std::string& frame, uint32_t plain_size)
    {
        SealedBlob blob{Id::of(frame), type, {}, plain_size};
        must(seal_onto(repository.key(), frame, blob.bytes));
        return blob;
    }
    Id tree(const std::string& text)
    {
        pack({blob(BlobType::tree, text)});
        return Id::of(text);
    }
    Id tree(const std::vector<Node>& nodes) { return tree(tree_text(nodes)); }
    Id data(const std::string& content)
    {
        pack({blob(BlobType::data, content)});
        return Id::of(content);
    }
    Id snapshot(const Id& tree) { return must(save_snapshot(repository, {.hostname = "host"}, {"/"}, tree)); }

    /// What the check that reads everything finds.
    std::vector<std::string> check()
    {
        Repository fresh = open();
        CheckingNotes notes;
        CheckingSummary summary;
        must(check_repository(fresh, {.reads_data = [](const Id&) { return true; }}, notes, summary));
        return notes.errors;
    }

    MemoryBackend memory;
    Repository repository = must(Repository::create(std::make_unique<Borrowed>(memory), Scratch::password,
                                                    {.cost = {.n = 16, .r = 1, .p = 1}}));
};

/// A folder to restore to, and one beside it that has to stay as it is.
struct Target {
    Target()
    {
        std::filesystem::create_directory(scratch.path("beside"));
        scratch.write("beside/file", "untouched");
    }
    ~Target()
    {
        CHECK(scratch.read("beside/file") == "untouched");
        size_t entries = 0;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(scratch.path("beside")))
            entries += entry.exists() ? 1 : 0;
        CHECK(entries == 1);
        for (const auto& entry : std::filesystem::directory_iterator(scratch.path(""))) {
            const std::string name = entry.path().filename();
            CHECK_MESSAGE((name == "beside" || name == "password" || name == "back"), name);
        }
    }
    Target(const Target&) = delete;
    Target& operator=(const Target&) = delete;

    /// What was told, and what ended it.
    std::map<std::string, std::string> restore(HostileRepository& hostile, const Id& tree) const
    {
        Repository repository = hostile.open();
        must(repository.load_index([](const Id&, const Error&) {}));
        RestoringNotes notes;
        RestoringSummary summary;
        const Result<void> done = restore_tree(repository, tree, {.target = back()}, notes, summary);
        if (!done) notes.problems["/"] = done.error().what;
        return notes.problems;
    }
    std::string back() const { return scratch.path("back"); }

    Scratch scratch;
};

Node file_node(const std::string& name, const std::vector<Id>& content, uint64_t size)
{
    Node node{.name = name, .type = NodeType::file, .mode = 0644, .size = size, .content = content};
    node.uid = ::geteuid();
    node.gid = ::getegid();
    return node;
}

Node folder_node(const std::string& name, const Id& subtree)
{
    Node node{.name = name, .type = NodeType::dir, .mode = 0755, .subtree = subtree};
    node.uid = ::geteuid();
    node.gid = ::getegid();
    return node;
}

/// A zstd frame of zeros without end or nearly so: each block of four bytes makes 128 KiB.
std::string zeros_frame(uint64_t mib)
{
    std::string frame("\x28\xb5\x2f\xfd\x00\x38", 6);
    for (uint64_t i = 0; i < mib * 8; ++i) {
        const uint32_t header = 131072U << 3 | 1U << 1 | (i + 1 == mib * 8 ? 1U : 0U);
        frame.append(reinterpret_cast<const char*>(&header), 3);
        frame += '\0';
    }
    return frame;
}

TEST_CASE("an index that lies about sizes and places: told, and nothing wrong is restored")
{
    using Lie = std::function<void(PackedBlob&)>;
    const std::pair<const char*, Lie> lies[] = {
        {"too long", [](PackedBlob& blob) { blob.length += 10; }},
        {"longer than the pack", [](PackedBlob& blob) { blob.length = INT32_MAX; }},
        {"too short", [](PackedBlob& blob) { blob.length -= 1; }},
        {"shorter than a seal", [](PackedBlob& blob) { blob.length = 3; }},
        {"nothing", [](PackedBlob& blob) { blob.length = 0; }},
        {"shorter than a seal, and not compressed",
         [](PackedBlob& blob) { blob.length = 3, blob.plain_size = 0; }},
        {"elsewhere", [](PackedBlob& blob) { blob.offset += 5; }},
        {"behind the end", [](PackedBlob& blob) { blob.offset = INT32_MAX; }},
        {"content too large", [](PackedBlob& blob) { blob.plain_size += 1; }},
        {"content too small", [](PackedBlob& blob) { blob.plain_size -= 1; }},
        {"content huge", [](PackedBlob& blob) { blob.plain_size = INT32_MAX; }},
        {"not compressed", [](PackedBlob& blob) { blob.plain_size = 0; }},
        {"a tree", [](PackedBlob& blob) { blob.type = BlobType::tree; }},
        {"another id", [](PackedBlob& blob) { blob.id = Id::of("another"); }},
    };
    for (const auto& [name, lie] : lies) {
        CAPTURE(std::string(name));
        const Bounds bounds;
        const Target target;
        HostileRepository hostile;
        const std::string content(5000, 'c');
        hostile.pack({hostile.blob(BlobType::data, "before"), hostile.blob(BlobType::data, content)},
                     [&apply = lie](IndexedPack& pack) { apply(pack.blobs[1]); });
        const Id tree = hostile.tree({file_node("file", {Id::of(content)}, content.size())});
        hostile.snapshot(tree);
        CHECK(!hostile.check().empty());
        CHECK(!target.restore(hostile, tree).empty());
    }
}

TEST_CASE("two indexes that do not agree about a blob: the file is right, or told")
{
    const std::string first(5000, 'a'), second = "and the rest";
    size_t right = 0, told = 0;
    // Which of them is read first is up to their ids, which are new each time.
    for (int time = 0; time < 24; ++time) {
        const Bounds bounds;
        const Target target;
        HostileRepository hostile;
        hostile.pack({hostile.blob(BlobType::data, first)},
                     [](IndexedPack& pack) { pack.blobs[0].plain_size = 17; });
        hostile.data(first);
        hostile.data(second);
        const Id tree =
            hostile.tree({file_node("file", {Id::of(first), Id::of(second)}, first.size() + second.size())});
        hostile.snapshot(tree);
        CHECK(!hostile.check().empty());
        const bool is_right = target.restore(hostile, tree).empty();
        ++(is_right ? right : told);
        if (is_right) CHECK(target.scratch.read("back/file") == first + second);
    }
    CHECK(right > 0);
    CHECK(told > 0);
}

TEST_CASE("two blobs in one place: neither passes for the other")
{
    const Bounds bounds;
    const Target target;
    HostileRepository hostile;
    const std::string right = "what was saved";
    const Id wrong = Id::of("what was saved too");
    hostile.pack({hostile.blob(BlobType::data, right)}, [&](IndexedPack& pack) {
        pack.blobs.push_back(pack.blobs[0]);
        pack.blobs[1].id = wrong;
    });
    // A tree whose place is that of another one, which leads back to it.
    const std::string folder = tree_text(std::vector<Node>{folder_node("again", Id::of("loop"))});
    hostile.pack({hostile.blob(BlobType::tree, folder)}, [](IndexedPack& pack) {
        pack.blobs.push_back(pack.blobs[0]);
        pack.blobs[1].id = Id::of("loop");
    });
    const Id tree =
        hostile.tree({folder_node("circle", Id::of(folder)), file_node("other", {wrong}, right.size()),
                      file_node("right", {Id::of(right)}, right.size())});
    hostile.snapshot(tree);
    CHECK(!hostile.check().empty());
    const auto told = target.restore(hostile, tree);
    CHECK(told.contains(target.back() + "/other"));
    CHECK(told.contains("/circle/again"));
    CHECK(target.scratch.read("back/right") == right);
}

TEST_CASE("a pack whose header lies is found, and a repair of the index takes no word of it")
{
    for (int lie = 0; lie < 5; ++lie) {
        CAPTURE(lie);
        const Bounds bounds;
        HostileRepository hostile;
        const SealedBlob sealed = hostile.blob(BlobType::data, std::string(3000, 'x'));
        const auto length = static_cast<uint32_t>(sealed.bytes.size());
        PackedBlob listed{.id = sealed.id,
                          .type = sealed.type,
                          .offset = 0,
                          .length = length,
                          .plain_size = sealed.plain_size};
        if (lie == 0) listed.length += 1000;
        if (lie == 1) listed.length = UINT32_MAX;
        if (lie == 2) listed.length = 1;
        if (lie == 3) listed.plain_size = UINT32_MAX;
        std::string bytes = sealed.bytes + must(make_header(hostile.repository.key(), {&listed, 1}));
        if (lie == 4) bytes.replace(bytes.size() - 4, 4, "\xff\xff\xff\x7f");
        const Id id = Id::of(bytes);
        hostile.memory.files()[{FileKind::pack, id}] = bytes;
        RepairNotes notes;
        IndexRepairSummary summary;
        Repository repository = hostile.open();
        {
            const auto lock =
                must(RepositoryLock::take(repository, Access::exclusive, std::chrono::milliseconds(0)));
            must(repair_index(repository, *lock, {.read_all_packs = true}, notes, summary));
        }
        CHECK(!hostile.check().empty());
        CHECK(!repository.load_blob(BlobType::data, sealed.id).has_value());
    }
}

TEST_CASE("what makes gigabytes of a few bytes is refused before it does")
{
    const std::string frame = zeros_frame(1500);
    constexpr uint32_t size = 1500U << 20;
    SUBCASE("a blob of data")
    {
        const Bounds bounds;
        const Target target;
        HostileRepository hostile;
        const SealedBlob bomb = hostile.sealed_frame(BlobType::data, frame, size);
        hostile.pack({bomb});
        const Id tree = hostile.tree({file_node("file", {bomb.id}, size)});
        hostile.snapshot(tree);
        CHECK(!hostile.check().empty());
        CHECK(!target.restore(hostile, tree).empty());
    }
    SUBCASE("a tree")
    {
        const Bounds bounds;
        const Target target;
        HostileRepository hostile;
        const SealedBlob bomb = hostile.sealed_frame(BlobType::tree, frame, size);
        hostile.pack({bomb});
        hostile.snapshot(bomb.id);
        CHECK(!hostile.check().empty());
        CHECK(!target.restore(hostile, bomb.id).empty());
    }
    SUBCASE("a text")
    {
        const Bounds bounds;
        for (const FileKind kind : {FileKind::snapshot, FileKind::index, FileKind::lock}) {
            HostileRepository hostile;
            const std::string sealed = must(seal(hostile.repository.key(), "\x02" + frame));
            hostile.memory.files()[{kind, Id::of(sealed)}] = sealed;
            CHECK(hostile.check().empty() == (kind == FileKind::lock));
            CHECK(must(locks_of(hostile.repository)).empty());
        }
        HostileRepository hostile;
        hostile.memory.files()[{FileKind::config, {}}] = must(seal(hostile.repository.key(), "\x02" + frame));
        CHECK(Repository::open(std::make_unique<Borrowed>(hostile.memory), Scratch::password).error().kind ==
              ErrorKind::corrupt);
    }
    SUBCASE("a tree that is little text and many nodes")
    {
        const Bounds bounds;
        const Target target;
        HostileRepository hostile;
        std::string text = R"({"nodes":[0)";
        for (size_t i = 0; i < (16 << 20); ++i) text += ",0";
        const Id tree = hostile.tree(text + "]}\n");
        CHECK(!target.restore(hostile, tree).empty());
    }
}

TEST_CASE("names that no file can have are refused, and nothing is written where they lead")
{
    const std::string evil = R"({"name":"%","type":"file","mode":420,"content":[]})";
    std::vector<std::string> lists;
    for (const std::string& name :
         {std::string(".."), std::string("."), std::string(), std::string("/"), std::string("a/b"),
          std::string("../beside/file"), std::string("/tmp/evil"), std::string("..\\x2fbeside"),
          std::string("nul\\\\x00"), std::string(5000, 'n')}) {
        std::string one = evil;
        lists.push_back(one.replace(one.find('%'), 1, name));
    }
    std::string same = evil;
    same.replace(same.find('%'), 1, "same");
    lists.push_back(same + "," + same);
    for (const std::string& list : lists) {
        CAPTURE(list.substr(0, 100));
        const Bounds bounds;
        const Target target;
        HostileRepository hostile;
        const Id inner = hostile.tree(R"({"nodes":[)" + list + "]}\n");
        const Id tree = hostile.tree({folder_node("folder", inner)});
        hostile.snapshot(tree);
        CHECK(!hostile.check().empty());
        CHECK(target.restore(hostile, tree).contains("/folder"));
        CHECK(std::filesystem::is_empty(target.back() + "/folder"));
    }
}

TEST_CASE("folders deeper than any path, by short names and by long ones")
{
    for (const size_t length : {1, 250}) {
        CAPTURE(length);
        const Bounds bounds;
        const Target target;
        HostileRepository hostile;
        const std::string name(length, 'd');
        std::vector<SealedBlob> blobs;
        Id tree = Id::of(tree_text({}));
        blobs.push_back(hostile.blob(BlobType::tree, tree_text({})));
        for (int i = 0; i < 5000; ++i) {
            const std::string text = tree_text(std::vector<Node>{folder_node(name, tree)});
            blobs.push_back(hostile.blob(BlobType::tree, text));
            tree = Id::of(text);
        }
        hostile.pack(blobs);
        hostile.snapshot(tree);
        CHECK(!hostile.check().empty());
        if (length > 1) CHECK(!target.restore(hostile, tree).empty());
        Repository repository = hostile.open();
        must(repository.load_index(no_problem));
        RestoringNotes notes;
        RestoringSummary summary;
        must(restore_tree(repository, tree, {.target = target.back(), .dry_run = true}, notes, summary));
        CHECK(!notes.problems.empty());
        const std::vector<Snapshot> all = must(repository.snapshots(no_problem));
        CHECK(!count_snapshots(repository, all, CountMode::blobs_per_file, 1).has_value());
        size_t problems = 0;
        must(walk_tree(
            repository, tree, "", [](const VisitedNode&) { return Result<Next>(Next::enter); },
            [&](const std::string&, const Error&) { ++problems; }));
        CHECK(problems == 1);
    }
}

struct NoRewriting final : RewritingObserver {
    void excluded(const Snapshot&, const std::string&) override {}
    void done(const Snapshot&, const std::optional<Id>&) override {}
};

TEST_CASE("sixty folders, each of which holds the next one twice: more paths than atoms, and an end")
{
    const Bounds bounds;
    const Target target;
    HostileRepository hostile;
    const Id leaf = hostile.data("leaf");
    std::vector<SealedBlob> blobs;
    std::string text = tree_text(std::vector<Node>{file_node("leaf", {leaf}, 4)});
    for (int i = 0; i < 60; ++i) {
        blobs.push_back(hostile.blob(BlobType::tree, text));
        const Id below = Id::of(text);
        text = tree_text(std::vector<Node>{folder_node("a", below), folder_node("b", below)});
    }
    blobs.push_back(hostile.blob(BlobType::tree, text));
    hostile.pack(blobs);
    const Id tree = Id::of(text);
    hostile.snapshot(tree);
    CHECK(hostile.check().empty());
    Repository repository = hostile.open();
    must(repository.load_index(no_problem));
    const std::vector<Snapshot> all = must(repository.snapshots(no_problem));
    RestoringNotes notes;
    RestoringSummary summary;
    must(restore_tree(repository, tree, {.target = target.back(), .dry_run = true}, notes, summary));
    CHECK(!notes.problems.empty());
    for (const CountMode mode : {CountMode::restore_size, CountMode::blobs_per_file})
        CHECK(!count_snapshots(repository, all, mode, 2).has_value());
    const auto lock = must(RepositoryLock::take(repository, Access::shared, std::chrono::milliseconds(0)));
    NoRewriting rewriting;
    RewritingOptions options;
    options.is_excluded = [](const std::string&, bool) { return false; };
    CHECK(!rewrite_snapshots(repository, *lock, all, all, options, rewriting).has_value());
    size_t problems = 0;
    must(walk_tree(
        repository, tree, "", [](const VisitedNode&) { return Result<Next>(Next::enter); },
        [&](const std::string&, const Error&) { ++problems; }));
    CHECK(problems > 0);
}

TEST_CASE("nodes that say what is not so are told")
{
    const Bounds bounds;
    const Target target;
    HostileRepository hostile;
    const Id data = hostile.data("data");
    std::vector<Node> nodes;
    nodes.push_back(file_node("a-huge", {}, uint64_t{1} << 63));
    nodes.push_back(file_node("b-short", {data}, 3));
    nodes.push_back(file_node("c-unknown", {Id::of("nobody has it")}, 5));
    nodes.push_back(folder_node("d-data", data));
    nodes.push_back(folder_node("e-none", Id::of("nobody has it either")));
    nodes.push_back(folder_node("f-no-tree", data));
    nodes.back().subtree.reset();
    nodes.push_back(file_node("g-first", {Id::of("nobody has it")}, 5));
    nodes.back().links = 2;
    nodes.back().inode = 7;
    nodes.push_back(file_node("h-second", {Id::of("nobody has it")}, 5));
    nodes.back().links = 2;
    nodes.back().inode = 7;
    nodes.push_back(file_node("i-right", {data}, 4));
    const Id tree = hostile.tree(nodes);
    hostile.snapshot(tree);
    CHECK(hostile.check().size() >= 5);
    const auto told = target.restore(hostile, tree);
    for (const Node& node : nodes) {
        CAPTURE(node.name);
        const bool is_told = told.contains("/" + node.name) || told.contains(target.back() + "/" + node.name);
        CHECK(is_told == (node.name != "i-right"));
    }
    CHECK(target.scratch.read("back/i-right") == "data");
}

TEST_CASE("no link leads out of the target: not one from the snapshot before, not one that is there")
{
    const Bounds bounds;
    const Target target;
    HostileRepository hostile;
    const Id data = hostile.data("evil");
    Node link{.name = "link", .type = NodeType::symlink, .mode = 0777, .link_target = "../beside"};
    link.uid = ::geteuid();
    link.gid = ::getegid();
    Node file_link = link;
    file_link.name = "to-file";
    file_link.link_target = "../beside/file";
    const Id first = hostile.tree({link, file_link});
    CHECK(target.restore(hostile, first).empty());

    const Id inner = hostile.tree({file_node("evil", {data}, 4), file_node("file", {data}, 4)});
    Node second_name = file_node("a-hard", {data}, 4), first_name = file_node("to-file", {data}, 4);
    for (Node* node : {&second_name, &first_name}) {
        node->links = 2;
        node->inode = 7;
    }
    std::swap(first_name.name, second_name.name);
    std::vector<Node> nodes = {first_name, folder_node("link", inner), second_name};
    std::ranges::sort(nodes, {}, &Node::name);
    const auto told = target.restore(hostile, hostile.tree(nodes));
    CHECK(told.contains(target.back() + "/link"));
    // A file in the place of a link: through it nothing is written, and the link itself stays.
    const auto again = target.restore(hostile, hostile.tree({file_node("to-file", {data}, 4)}));
    CHECK(std::filesystem::is_symlink(target.back() + "/link"));
    // Special files that take a link's place are made anew and not followed.
    Node fifo = link;
    fifo.type = NodeType::fifo;
    fifo.mode = 0777;
    CHECK(target.restore(hostile, hostile.tree({fifo})).empty());
    CHECK(!std::filesystem::is_symlink(target.back() + "/link"));
    // With mode, owner and attributes of what it leads to as they were.
    struct stat status = {};
    REQUIRE(::stat(target.scratch.path("beside/file").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) != 0777);
    CHECK(status.st_nlink == 1);
}

TEST_CASE("a snapshot with a million tags is one, and tells them")
{
    const Bounds bounds;
    HostileRepository hostile;
    const Id tree = hostile.tree(std::vector<Node>{});
    SavingOptions options{.hostname = "host"};
    for (size_t i = 0; i < 1'000'000; ++i) options.tags.push_back(std::to_string(i));
    static_cast<void>(must(save_snapshot(hostile.repository, options, {"/"}, tree)));
    CHECK(must(hostile.repository.snapshots(no_problem)).at(0).tags.size() == 1'000'000);
    CHECK(hostile.check().empty());
}

TEST_CASE("a config of another version, and keys that would take all memory or all time")
{
    const Bounds bounds;
    HostileRepository hostile;
    const auto opened_with = [&](FileKind kind, const std::string& bytes) {
        MemoryBackend memory;
        memory.files() = hostile.memory.files();
        std::erase_if(memory.files(), [&](const auto& file) { return file.first.kind == kind; });
        memory.files()[{kind, kind == FileKind::config ? Id() : Id::of(bytes)}] = bytes;
        const Result<Repository> repository =
            Repository::open(std::make_unique<Borrowed>(memory), Scratch::password);
        REQUIRE(!repository);
        CHECK(!repository.error().what.empty());
        return repository.error().kind;
    };
    const std::string config = hostile.repository.config().to_text();
    for (const char* version : {"0", "3", "99", "18446744073709551615"}) {
        std::string text = config;
        text.replace(text.find("\"version\":2") + 10, 1, version);
        CHECK(opened_with(FileKind::config, must(seal(hostile.repository.key(), text))) ==
              ErrorKind::version);
    }
    for (const char* text : {"{}", "[]", "{\"version\":2}", "nothing"})
        CHECK(opened_with(FileKind::config, must(seal(hostile.repository.key(), text))) ==
              ErrorKind::corrupt);
    const KeyFile key =
        must(KeyFile::make(hostile.repository.key(), Scratch::password, {.n = 16, .r = 1, .p = 1}));
    for (const ScryptCost& cost : {ScryptCost{.n = uint64_t{1} << 40, .r = 8, .p = 1},
                                   ScryptCost{.n = uint64_t{1} << 20, .r = 8, .p = 1024},
                                   ScryptCost{.n = uint64_t{1} << 20, .r = 1024, .p = 1},
                                   ScryptCost{.n = 16, .r = UINT32_MAX, .p = UINT32_MAX},
                                   ScryptCost{.n = 1, .r = 1, .p = 1}, ScryptCost{.n = 0, .r = 0, .p = 0}}) {
        KeyFile hungry = key;
        hungry.cost = cost;
        CHECK(opened_with(FileKind::key, hungry.to_text()) == ErrorKind::corrupt);
    }
}

TEST_CASE("an index with a pack again and again, a blob in countless places, and ids made to meet")
{
    const Bounds bounds;
    HostileRepository hostile;
    const auto problems_of = [&](const std::function<IndexedPack(size_t)>& pack_at, size_t packs) {
        MemoryBackend memory;
        memory.files() = hostile.memory.files();
        Repository repository = must(Repository::open(std::make_unique<Borrowed>(memory), Scratch::password));
        std::vector<IndexedPack> all;
        for (size_t i = 0; i < packs; ++i) all.push_back(pack_at(i));
        static_cast<void>(must(repository.save_text(FileKind::index, index_text(all))));
        size_t problems = 0;
        must(repository.load_index([&](const Id&, const Error&) { ++problems; }));
        return problems;
    };
    const PackedBlob blob{
        .id = Id::of("blob"), .type = BlobType::data, .offset = 0, .length = 100, .plain_size = 0};
    CHECK(problems_of([&](size_t) { return IndexedPack{Id::of("pack"), {blob}}; }, 200'000) == 0);
    CHECK(problems_of(
              [&](size_t i) {
                  PackedBlob elsewhere = blob;
                  elsewhere.offset = static_cast<uint32_t>(i);
                  return IndexedPack{Id::of("pack"), {elsewhere}};
              },
              200'000) == 1);
    CHECK(problems_of(
              [&](size_t i) {
                  IndexedPack pack{Id::of("pack"), {blob}};
                  std::memcpy(&pack.blobs[0].id.bytes[24], &i, sizeof i);
                  pack.id = pack.blobs[0].id;
                  return pack;
              },
              200'000) == 0);
}

}  // namespace
}  // namespace belay::backup
