// What Belay saves, restic restores to the last bit; and both find what the other has stored.

#include "backup/backend/local.h"
#include "backup/pipeline/early_listing.h"
#include "notes.h"
#include "scratch.h"

#include <ctime>
#include <thread>

namespace belay::backup {
namespace {

/// Saves the tree, with the newest snapshot as the parent.
SavingSummary& save(const Scratch& scratch, SavingSummary& summary, EarlyListing* early = nullptr)
{
    Repository repository = must(Repository::open(place(scratch), Scratch::password));
    must(repository.load_index(no_problem));
    SavingOptions options{.paths = {scratch.path("tree")}};
    options.hostname = "here";
    options.early = early;
    const std::vector<Snapshot> before = must(repository.snapshots(no_problem));
    if (!before.empty()) options.parent = before.back();
    SavingNotes notes;
    must(save_paths(repository, options, notes, summary));
    CHECK(notes.problems.empty());
    CHECK(notes.changed.empty());
    return summary;
}

/// What the newest snapshot has of the tree. The folders above it change with every file that a test makes.
Id tree_in_newest(const Scratch& scratch)
{
    Repository repository = must(Repository::open(place(scratch), Scratch::password));
    must(repository.load_index(no_problem));
    Id id = must(repository.snapshots(no_problem)).back().tree;
    for (const auto& part : std::filesystem::path(scratch.path("tree")).relative_path()) {
        const std::vector<Node> nodes = must(read_tree(must(repository.load_blob(BlobType::tree, id))));
        const auto found = std::ranges::find(nodes, part.string(), &Node::name);
        REQUIRE(found != nodes.end());
        id = found->subtree.value();
    }
    return id;
}

/// Everything of a tree that can be listed, in one text.
std::string everything(const std::string& folder)
{
    return Scratch::run({"find", folder, "-printf", "%P %y %m %s %T@ %U %G %n %l\\n"});
}

TEST_CASE("restic checks and restores what Belay has saved")
{
    const Scratch scratch;
    scratch.make_tree();
    init(scratch);
    SavingSummary summary;
    save(scratch, summary);
    CHECK(summary.files.is_new.load() == 8);
    CHECK(summary.folders.is_new.load() == 3);
    CHECK(summary.problems.load() == 0);
    scratch.restic({"check", "--read-data"});
    scratch.restic({"restore", summary.snapshot->hex(), "--target", scratch.path("back")});
    const std::string restored = scratch.path("back") + scratch.path("tree");
    Scratch::run(
        {"diff", "--recursive", "--no-dereference", "--exclude=fifo", scratch.path("tree"), restored});
    CHECK(everything(restored) == everything(scratch.path("tree")));
}

TEST_CASE("a second look at an unchanged tree stores nothing, whichever tool takes it")
{
    const Scratch scratch;
    scratch.make_tree();
    init(scratch);
    SavingSummary first, second;
    save(scratch, first);
    CHECK(first.written.data_blobs > 0);
    const Id saved = tree_in_newest(scratch);
    save(scratch, second);
    CHECK(second.files.unchanged.load() == 8);
    CHECK(second.folders.unchanged.load() == 3);
    CHECK(second.written.data_blobs == 0);
    CHECK(tree_in_newest(scratch) == saved);

    // Restic reads every file, and finds every chunk and every folder there already.
    const std::string by_restic = scratch.restic({"backup", "--force", "--json", scratch.path("tree")});
    CHECK(by_restic.find("\"data_blobs\":0") != std::string::npos);
    CHECK(tree_in_newest(scratch) == saved);

    SavingSummary third;
    save(scratch, third);
    CHECK(third.files.unchanged.load() == 8);
    CHECK(tree_in_newest(scratch) == saved);
}

TEST_CASE("what has changed is stored, and what has not is not")
{
    const Scratch scratch;
    scratch.make_tree();
    init(scratch);
    SavingSummary first, second;
    save(scratch, first);
    scratch.write("tree/small", "something else\n");
    scratch.write("tree/new", "new\n");
    std::filesystem::remove(scratch.path("tree/empty"));
    save(scratch, second);
    // The hard link is the same file.
    CHECK(second.files.changed.load() == 2);
    CHECK(second.files.is_new.load() == 1);
    CHECK(second.files.unchanged.load() == 5);
    CHECK(second.written.data_blobs == 2);
    scratch.restic({"check", "--read-data"});
}

/// What was listed early of a folder; waits until it is.
std::optional<Listing> early_listing_of(EarlyListing& early, const std::string& path)
{
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    const host::Descriptor folder = open_place({path}, O_RDONLY | O_DIRECTORY);
    std::optional<Listing> listing;
    while (!listing && std::chrono::steady_clock::now() < until) listing = early.take(path, folder.number());
    return listing;
}

/// What is changed from now on has another time than what was changed before.
void let_the_clock_tick()
{
    const auto now = [] {
        timespec time = {};
        ::clock_gettime(CLOCK_REALTIME_COARSE, &time);
        return std::pair(time.tv_sec, time.tv_nsec);
    };
    for (const auto begin = now(); now() == begin;) std::this_thread::yield();
}

TEST_CASE("what was listed early counts where nothing has come, gone or been replaced since")
{
    const Scratch scratch;
    for (const char* name : {"tree", "tree/a", "tree/b", "tree/c", "tree/out", "tree/out/below", "last"})
        std::filesystem::create_directory(scratch.path(name));
    scratch.write("tree/b/old", "old\n");
    let_the_clock_tick();
    const auto excluded = [](const std::string& path, bool, uint64_t) { return path.ends_with("/out"); };
    EarlyListing early({.paths = {scratch.path("last"), scratch.path("tree")}, .is_excluded = excluded});
    REQUIRE(early_listing_of(early, scratch.path("last")));  // the other one is listed before it
    scratch.write("tree/a/new", "new\n");
    std::filesystem::remove(scratch.path("tree/c"));
    std::filesystem::create_directory(scratch.path("tree/c"));
    const auto taken = [&](const std::string& name) {
        const std::string path = scratch.path(name);
        return early.take(path, open_place({path}, O_RDONLY | O_DIRECTORY).number());
    };
    CHECK(!taken("tree/a"));
    CHECK(!taken("tree/c"));
    CHECK(!taken("tree/out"));
    CHECK(!taken("tree/out/below"));
    const std::optional<Listing> listing = taken("tree/b");
    REQUIRE(listing);
    REQUIRE(listing->entries.size() == 1);
    CHECK(listing->entries.front().name == "old");
    CHECK(listing->entries.front().status.st_size == 4);
    CHECK(!taken("tree/b"));
}

TEST_CASE("a snapshot is the same whether or not its folders were listed early, and has what came since")
{
    const Scratch scratch;
    scratch.make_tree();
    init(scratch);
    SavingSummary first, second;
    save(scratch, first);
    EarlyListing early({.paths = {scratch.path("tree")}});
    save(scratch, second, &early);
    CHECK(second.files.unchanged.load() == 8);
    CHECK(second.written.data_blobs == 0);

    std::filesystem::create_directory(scratch.path("last"));
    let_the_clock_tick();
    EarlyListing again({.paths = {scratch.path("last"), scratch.path("tree")}});
    REQUIRE(early_listing_of(again, scratch.path("last")));
    scratch.write("tree/new", "new\n");
    SavingSummary third;
    save(scratch, third, &again);
    CHECK(third.files.unchanged.load() == 8);
    CHECK(third.files.is_new.load() == 1);
    scratch.restic({"check", "--read-data"});
}

TEST_CASE("a file that goes after it was seen is told, and its neighbours are saved")
{
    const Scratch scratch;
    std::filesystem::create_directory(scratch.path("tree"));
    for (const char* name : {"tree/a", "tree/b", "tree/c"}) scratch.write(name, name);
    init(scratch);
    Repository repository = must(Repository::open(place(scratch), Scratch::password));
    SavingOptions options{.paths = {scratch.path("tree")}};
    options.is_excluded = [](const std::string& path, bool, uint64_t) {
        if (path.ends_with("/b")) std::filesystem::remove(path);
        return false;
    };
    SavingNotes notes;
    SavingSummary summary;
    must(save_paths(repository, options, notes, summary));
    REQUIRE(notes.problems.size() == 1);
    CHECK(notes.problems.begin()->first == scratch.path("tree/b"));
    scratch.restic({"restore", summary.snapshot->hex(), "--target", scratch.path("back")});
    Scratch::run({"diff", "--recursive", scratch.path("tree"), scratch.path("back") + scratch.path("tree")});
}

TEST_CASE("a file that is written after it was seen is described as it is when it is read")
{
    const Scratch scratch;
    std::filesystem::create_directory(scratch.path("tree"));
    scratch.write("tree/a", "short");
    init(scratch);
    Repository repository = must(Repository::open(place(scratch), Scratch::password));
    SavingOptions options{.paths = {scratch.path("tree")}};
    const auto then = std::filesystem::file_time_type::clock::now() - std::chrono::hours(1000);
    options.is_excluded = [&](const std::string& path, bool, uint64_t) {
        if (path.ends_with("/a")) {
            scratch.write("tree/a", "longer than it was");
            std::filesystem::last_write_time(path, then);
        }
        return false;
    };
    SavingNotes notes;
    SavingSummary summary;
    must(save_paths(repository, options, notes, summary));
    scratch.restic({"restore", summary.snapshot->hex(), "--target", scratch.path("back")});
    const std::string restored = scratch.path("back") + scratch.path("tree/a");
    CHECK(std::filesystem::file_size(restored) == 18);
    CHECK(std::filesystem::last_write_time(restored) ==
          std::filesystem::last_write_time(scratch.path("tree/a")));
}

TEST_CASE("a file that cannot be read is told and left out, and the rest is saved")
{
    const Scratch scratch;
    scratch.make_tree();
    init(scratch);
    Repository repository = must(Repository::open(place(scratch), Scratch::password));
    SavingOptions options{.paths = {scratch.path("tree"), scratch.path("nowhere")}};
    SavingNotes notes;
    SavingSummary summary;
    must(save_paths(repository, options, notes, summary));
    REQUIRE(notes.problems.size() == 1);
    CHECK(notes.problems.begin()->first == scratch.path("nowhere"));
    CHECK(notes.problems.begin()->second ==
          fmt::format("cannot look at {}: No such file or directory", scratch.path("nowhere")));
    CHECK(summary.files.is_new.load() == 8);
    scratch.restic({"check"});
    options.paths = {scratch.path("nowhere")};
    CHECK(save_paths(repository, options, notes, summary).error().kind == ErrorKind::not_found);
    options.paths = {};
    CHECK(save_paths(repository, options, notes, summary).error().kind == ErrorKind::usage);
}

}  // namespace
}  // namespace belay::backup
