// Keys, tags, copies, rewritten snapshots and figures: what restic sees of ours, and the other way round.

#include "backup/maintenance/copying.h"
#include "backup/maintenance/keys.h"
#include "backup/maintenance/rewriting.h"
#include "backup/maintenance/statistics.h"
#include "in_memory.h"
#include "notes.h"
#include "scratch.h"

namespace belay::backup {
namespace {

constexpr ScryptCost cheap{.n = 1024, .r = 8, .p = 1};

Id save_tree(Repository& repository, const Scratch& scratch)
{
    SavingNotes notes;
    SavingSummary summary;
    must(save_paths(repository, {.paths = {scratch.path("tree")}, .hostname = "host", .threads = 2}, notes,
                    summary));
    return *summary.snapshot;
}

std::unique_ptr<RepositoryLock> shared_lock(const Repository& repository)
{
    return must(RepositoryLock::take(repository, Access::shared, std::chrono::milliseconds(0)));
}

struct CopyingNotes final : CopyingObserver {
    void skipped(const Snapshot&, const Id&) override { ++skips; }
    void copied(const Snapshot&, const Id&) override { ++copies; }
    void begins(uint64_t) override {}
    void pack_read() override {}
    size_t skips = 0, copies = 0;
};

struct RewritingNotes final : RewritingObserver {
    void excluded(const Snapshot&, const std::string& path) override { left_out.push_back(path); }
    void done(const Snapshot& snapshot, const std::optional<Id>& fresh) override
    {
        if (fresh != snapshot.id) ++changed;
    }
    std::vector<std::string> left_out;
    size_t changed = 0;
};

/// Paths in the snapshot are those of the tree.
RewritingOptions without(const std::string& end, bool forget)
{
    RewritingOptions options;
    options.forget = forget;
    options.is_excluded = [end](const std::string& path, bool) { return path.ends_with(end); };
    return options;
}

/// A repository in memory with two snapshots of a small tree.
struct SmallRepository {
    explicit SmallRepository(MemoryBackend& memory)
    {
        std::filesystem::create_directories(scratch.path("tree/folder"));
        scratch.write("tree/one", Scratch::random_text(40 << 10, 1));
        scratch.write("tree/folder/two", Scratch::random_text(50 << 10, 2));
        init(memory);
        Repository repository = opened(memory);
        save_tree(repository, scratch);
        scratch.write("tree/one", Scratch::random_text(60 << 10, 3));
        must(repository.load_index(no_problem));
        save_tree(repository, scratch);
    }
    Scratch scratch;
};

TEST_CASE("keys come, go and change their password; never the one in use goes alone")
{
    const Scratch scratch;
    init(scratch);
    const Repository repository = opened(scratch);
    const Id second =
        must(add_key(repository, {.password = "second", .username = "u", .hostname = "h", .cost = cheap}));
    const std::vector<KeyEntry> keys = must(list_keys(repository, no_problem));
    REQUIRE(keys.size() == 2);
    const Json theirs = must(parse_json(scratch.restic({"key", "list", "--json"})));
    REQUIRE(theirs.size() == 2);
    for (const Json& key : theirs) {
        const bool is_second = key["id"] == second.short_hex();
        CHECK(key["current"] == !is_second);
        CHECK((key["userName"] == "u") == is_second);
        CHECK((key["hostName"] == "h") == is_second);
    }
    CHECK(remove_key(repository, repository.key_id()).error().kind == ErrorKind::refused);
    must(remove_key(repository, second));
    CHECK(remove_key(repository, second).error().kind == ErrorKind::not_found);
    CHECK(add_key(repository, {.password = ""}).error().kind == ErrorKind::usage);
    CHECK(Repository::open(place(scratch), "second").error().kind == ErrorKind::refused);

    const Id changed = must(change_password(repository, {.password = "changed", .cost = cheap}));
    CHECK(Repository::open(place(scratch), Scratch::password).error().kind == ErrorKind::refused);
    CHECK(must(Repository::open(place(scratch), "changed")).key_id() == changed);
    scratch.write("password", "changed\n");
    scratch.restic({"snapshots"});
}

TEST_CASE("the key that a hint names is tried first, also where there are more than are ever tried")
{
    MemoryBackend memory;
    init(memory);
    const Repository repository = opened(memory);
    const auto add = [&](std::string_view password) {
        return must(
            add_key(repository, {.password = std::string(password), .cost = {.n = 16, .r = 1, .p = 1}}));
    };
    for (int i = 0; i < 24; ++i) add(Scratch::password);
    const Id other = add("other");
    const auto opened_by = [&](std::string_view password, std::string_view hint) {
        return must(Repository::open(std::make_unique<Borrowed>(memory), password, hint)).key_id();
    };
    for (const ListedFile& key : must(memory.list(FileKind::key)))
        CHECK(opened_by(key.id == other ? "other" : Scratch::password, key.id.short_hex()) == key.id);
    // What the hint names is not there, or is not the password's: then as without a hint.
    const Id usual = opened_by(Scratch::password, "");
    CHECK(opened_by(Scratch::password, "none") == usual);
    CHECK(opened_by(Scratch::password, other.hex()) == usual);
}

TEST_CASE("any change of a change of password may fail: one of the two opens the repository")
{
    MemoryBackend memory;
    init(memory);
    with_every_accident(
        memory,
        [](MemoryBackend& place) -> Result<void> {
            const NewKey key{.password = "new", .cost = {.n = 16, .r = 1, .p = 1}};
            TRY(change_password(must(Repository::open(std::make_unique<Borrowed>(place), Scratch::password)),
                                key));
            return {};
        },
        [](MemoryBackend& place, const std::string& what) {
            const bool old =
                Repository::open(std::make_unique<Borrowed>(place), Scratch::password).has_value();
            const bool fresh = Repository::open(std::make_unique<Borrowed>(place), "new").has_value();
            CHECK_MESSAGE((old || fresh), what);
        });
}

TEST_CASE("tags are set, added and removed, and the first snapshot stays named as the original")
{
    const Scratch scratch;
    init(scratch);
    std::filesystem::create_directories(scratch.path("tree"));
    scratch.restic({"backup", scratch.path("tree"), "--tag", "a,b"});
    const Repository repository = opened(scratch);
    const Id first = must(repository.snapshots(no_problem))[0].id;
    size_t replaced = 0;
    const auto change = [&](const TagChange& wanted) {
        const auto lock = shared_lock(repository);
        const std::vector<Snapshot> all = must(repository.snapshots(no_problem));
        return change_tags(repository, *lock, all, all, wanted, [&](const Id&, const Id&) { ++replaced; });
    };
    must(change({.add = {"c", "a"}, .remove = {"b"}}));
    must(change({.add = {"c"}, .remove = {"nothing"}}));
    CHECK(replaced == 1);
    Json seen = must(parse_json(scratch.restic({"snapshots", "--json"})));
    REQUIRE(seen.size() == 1);
    CHECK(seen[0]["tags"] == Json({"a", "c"}));
    CHECK(seen[0]["original"] == first.hex());
    must(change({.set = {{""}}}));
    scratch.restic({"tag", "--add", "theirs"});
    must(change({.add = {"ours"}}));
    seen = must(parse_json(scratch.restic({"snapshots", "--json"})));
    REQUIRE(seen.size() == 1);
    CHECK(seen[0]["tags"] == Json({"theirs", "ours"}));
    CHECK(seen[0]["original"] == first.hex());
    CHECK(change({.set = {{"x"}}, .add = {"y"}}).error().kind == ErrorKind::usage);
    CHECK(change({}).error().kind == ErrorKind::usage);
}

TEST_CASE(
    "any change of forget, tag and rewrite may fail: each snapshot is there, as it was or as it shall be")
{
    MemoryBackend memory;
    const SmallRepository small(memory);
    const auto tag = [](MemoryBackend& place) -> Result<void> {
        const Repository repository = opened(place);
        const auto lock = TRY(RepositoryLock::take(repository, Access::shared, std::chrono::milliseconds(0)));
        const std::vector<Snapshot> all = TRY(repository.snapshots(no_problem));
        return change_tags(repository, *lock, all, all, {.add = {"new"}}, [](const Id&, const Id&) {});
    };
    const auto rewrite = [](MemoryBackend& place) -> Result<void> {
        Repository repository = opened(place);
        const auto lock = TRY(RepositoryLock::take(repository, Access::shared, std::chrono::milliseconds(0)));
        const std::vector<Snapshot> all = TRY(repository.snapshots(no_problem));
        RewritingNotes notes;
        return rewrite_snapshots(repository, *lock, all, all, without("/two", true), notes);
    };
    for (const std::function<Result<void>(MemoryBackend&)>& act :
         {std::function<Result<void>(MemoryBackend&)>(tag),
          std::function<Result<void>(MemoryBackend&)>(rewrite)}) {
        with_every_accident(memory, act, [&](MemoryBackend& place, const std::string& what) {
            CHECK_MESSAGE(is_sound(place, what) >= 2, what);
            must(remove_locks(opened(place), true));
            must(act(place));
            CHECK_MESSAGE(is_sound(place, what + ", and again") == 2, what);
        });
    }
    with_every_accident(
        memory,
        [](MemoryBackend& place) -> Result<void> {
            const Repository repository = opened(place);
            const auto lock =
                TRY(RepositoryLock::take(repository, Access::shared, std::chrono::milliseconds(0)));
            const Id oldest = must(repository.snapshots(no_problem))[0].id;
            return forget_snapshots(repository, *lock, {&oldest, 1}, [](const Id&) {});
        },
        [](MemoryBackend& place, const std::string& what) {
            CHECK_MESSAGE(is_sound(place, what) >= 1, what);
        });
}

TEST_CASE("snapshots are copied once, by whichever tool, and only what is not there")
{
    const Scratch scratch;
    init(scratch);
    scratch.make_tree();
    scratch.restic({"backup", scratch.path("tree")});
    scratch.write("tree/more", "more");
    Repository from = opened(scratch);
    save_tree(from, scratch);
    must(from.load_index(no_problem));
    const std::vector<Snapshot> all = must(from.snapshots(no_problem));
    REQUIRE(all.size() == 2);

    const Scratch other;
    init(other);
    Repository to = opened(other);
    CHECK(!share_chunks(from, to));
    CHECK(share_chunks(from, from));
    CopyingNotes notes;
    must(copy_snapshots(from, to, all, {}, notes));
    CHECK(notes.copies == 2);
    other.restic({"check", "--read-data"});
    must(to.load_index(no_problem));
    CHECK(to.blobs().size() == from.blobs().size());
    must(copy_snapshots(from, to, all, {}, notes));
    CHECK(notes.copies == 2);
    CHECK(notes.skips == 2);
    const auto restic_copies = [&](const Scratch& source, const Scratch& target) {
        scratch.run({"restic", "--no-cache", "-q", "-r", source.path("repository"), "--password-file",
                     source.path("password"), "copy", "--repo2", target.path("repository"),
                     "--password-file2", target.path("password")});
    };
    // Its copy there and back finds all that ours has copied.
    restic_copies(scratch, other);
    restic_copies(other, scratch);
    CHECK(must(from.snapshots(no_problem)).size() == 2);
    CHECK(must(to.snapshots(no_problem)).size() == 2);
    const Scratch third;
    init(third);
    restic_copies(scratch, third);
    Repository last = opened(third);
    must(copy_snapshots(from, last, all, {}, notes));
    CHECK(notes.copies == 2);
    CHECK(notes.skips == 4);
}

TEST_CASE("any change of a copy may fail: what is there is sound, and the next copy ends it")
{
    MemoryBackend source, target;
    const SmallRepository small(source);
    init(target);
    const auto copy = [&](MemoryBackend& place) -> Result<void> {
        const Repository from = opened(source);
        Repository to = opened(place);
        CopyingNotes notes;
        CopyingOptions options;
        options.threads = 1;
        options.writer.pack_size = 64 << 10;
        return copy_snapshots(from, to, must(from.snapshots(no_problem)), options, notes);
    };
    with_every_accident(target, copy, [&](MemoryBackend& place, const std::string& what) {
        is_sound(place, what);
        must(copy(place));
        CHECK_MESSAGE(is_sound(place, what + ", and again") == 2, what);
    });
}

TEST_CASE("a copy that is cut behind its first snapshot has this one, and not yet what the next needs")
{
    MemoryBackend source, target;
    const SmallRepository small(source);
    init(target);
    struct Cut final : CopyingObserver {
        explicit Cut(MemoryBackend& place) : place_(place) {}
        void skipped(const Snapshot&, const Id&) override {}
        void copied(const Snapshot&, const Id&) override
        {
            place_.plan(MemoryBackend::Accident{.kind = MemoryBackend::Accident::Kind::dead, .at = 1});
        }
        void begins(uint64_t) override {}
        void pack_read() override {}

      private:
        MemoryBackend& place_;
    };
    const Repository from = opened(source);
    const std::vector<Snapshot> all = must(from.snapshots(no_problem));
    CopyingOptions options;
    options.writer.pack_size = 64 << 10;
    {
        Repository to = opened(target);
        Cut cut(target);
        CHECK_FALSE(copy_snapshots(from, to, all, options, cut).has_value());
    }
    target.plan(std::nullopt);
    CHECK(is_sound(target, "cut") == 1);
    const size_t packs = must(target.list(FileKind::pack)).size();
    Repository to = opened(target);
    CopyingNotes notes;
    must(copy_snapshots(from, to, all, options, notes));
    CHECK(notes.skips == 1);
    CHECK(notes.copies == 1);
    CHECK(is_sound(target, "whole") == 2);
    CHECK(must(target.list(FileKind::pack)).size() > packs);
}

TEST_CASE("what is left out of a snapshot is gone from it, and what is not stays the same tree")
{
    const Scratch scratch;
    init(scratch);
    scratch.make_tree();
    scratch.restic({"backup", scratch.path("tree"), "--tag", "t"});
    Repository repository = opened(scratch);
    const std::vector<Snapshot> first = must(repository.snapshots(no_problem));
    RewritingNotes notes;
    const auto rewrite = [&](const RewritingOptions& options) {
        must(rewrite_snapshots(repository, *shared_lock(repository), first, first, options, notes));
    };
    rewrite(without("/no such name", true));
    CHECK(notes.changed == 0);
    RewritingOptions dry = without("/deeper", true);
    dry.dry_run = true;
    rewrite(dry);
    CHECK(notes.left_out == std::vector<std::string>{scratch.path("tree/folder/deeper")});
    CHECK(must(repository.snapshots(no_problem)).size() == 1);
    rewrite(without("/deeper", false));
    scratch.restic({"check", "--read-data"});
    const Json seen = must(parse_json(scratch.restic({"snapshots", "--json", "--tag", "rewrite"})));
    REQUIRE(seen.size() == 1);
    CHECK(seen[0]["original"] == first[0].id.hex());
    CHECK(seen[0]["tags"] == Json({"t", "rewrite"}));
    const std::string names = scratch.restic({"ls", seen[0]["id"].get<std::string>()});
    CHECK(names.find("/folder/text") != std::string::npos);
    CHECK(names.find("deeper") == std::string::npos);
    // In the place of the first there is one alone.
    rewrite(without("/deeper", true));
    CHECK(must(parse_json(scratch.restic({"snapshots", "--json"}))).size() == 2);
}

TEST_CASE("what is counted is what restic counts")
{
    const Scratch scratch;
    init(scratch);
    scratch.make_tree();
    scratch.restic({"backup", scratch.path("tree")});
    scratch.write("tree/large", Scratch::random_text(5 << 20, 11) + "and more");
    scratch.write("tree/copy of small", "a few bytes\n");
    scratch.restic({"backup", scratch.path("tree")});
    const Repository repository = opened(scratch);
    const std::vector<Snapshot> all = must(repository.snapshots(no_problem));
    for (const char* mode : {"restore-size", "files-by-contents", "blobs-per-file", "raw-data"}) {
        CAPTURE(std::string(mode));
        const Statistics ours = must(count_snapshots(repository, all, must(count_mode_from_text(mode)), 2));
        const Json theirs = must(parse_json(scratch.restic({"stats", "--json", "--mode", mode})));
        CHECK(theirs["snapshots_count"] == ours.snapshots);
        CHECK(theirs["total_size"] == ours.bytes);
        CHECK(theirs["total_file_count"] == ours.files);
        CHECK(theirs.value("total_blob_count", uint64_t{0}) == ours.blobs);
    }
    const Statistics raw = must(count_snapshots(repository, all, CountMode::raw_data, 2));
    CHECK(raw.compression_ratio() > 1);
    CHECK(raw.compressed == raw.content_bytes);
    CHECK(count_mode_from_text("size").error().kind == ErrorKind::usage);
}

}  // namespace
}  // namespace belay::backup
