// A prune takes what no snapshot needs, and that alone: beside restic, beside backups, and whatever write
// fails.

#include "backup/maintenance/prune.h"

#include "backup/maintenance/forgetting.h"
#include "in_memory.h"
#include "notes.h"
#include "scratch.h"

namespace belay::backup {
namespace {

struct PruneNotes final : PruneObserver {
    void begins(PrunePhase phase, uint64_t) override
    {
        if (at_phase) at_phase(phase);
    }
    void advanced(PrunePhase, uint64_t) override {}
    void waits_for(const Error&) override
    {
        ++waits;
        if (at_wait) at_wait();
    }
    void planned(const PruneFigures&) override {}

    size_t waits = 0;
    std::function<void(PrunePhase)> at_phase;
    std::function<void()> at_wait;
};

/// Nobody else is there, and packs are small, so that there are many.
PruneOptions nobody_else()
{
    PruneOptions options;
    options.limits.max_unused = must(MaxUnused::from_text("0"));
    options.limits.pack_size = 256 << 10;
    options.patience = std::chrono::seconds(0);
    options.settle = options.look_again = std::chrono::milliseconds(0);
    options.threads = 2;
    return options;
}

Result<PruneSummary> prune(Repository repository, const PruneOptions& options)
{
    PruneNotes notes;
    PruneSummary summary;
    TRY(prune_repository(repository, options, notes, summary));
    return summary;
}

Id save_packs(Repository& repository, const Scratch& scratch)
{
    SavingOptions options{.paths = {scratch.path("tree")}};
    options.writer.pack_size = 256 << 10;
    options.threads = 2;
    SavingNotes notes;
    SavingSummary summary;
    must(save_paths(repository, options, notes, summary));
    return *summary.snapshot;
}

void forget(const Repository& repository, const Id& snapshot)
{
    const auto lock = must(RepositoryLock::take(repository, Access::shared, std::chrono::milliseconds(0)));
    must(forget_snapshots(repository, *lock, {&snapshot, 1}, [](const Id&) {}));
}

size_t count_files(const MemoryBackend& memory, FileKind kind)
{
    return static_cast<size_t>(
        std::ranges::count_if(memory.files(), [&](const auto& file) { return file.first.kind == kind; }));
}

void write_random(const Scratch& scratch, const std::string& name, size_t kib, unsigned seed)
{
    scratch.write("tree/" + name, Scratch::random_text(kib << 10, seed));
}

/// Two snapshots, of which the first is forgotten; some of its blobs share packs with those of the second.
struct TwoSnapshots {
    explicit TwoSnapshots(unsigned version = Config::newest_version)
    {
        std::filesystem::create_directories(scratch.path("tree/folder"));
        for (unsigned i = 0; i < 6; ++i) write_random(scratch, fmt::format("small{}", i), 90, i);
        write_random(scratch, "folder/large", 700, 10);
        init(memory, version);
        Repository repository = opened(memory);
        const Id first = save_packs(repository, scratch);
        for (unsigned i = 0; i < 3; ++i) write_random(scratch, fmt::format("small{}", 2 * i), 80, 20 + i);
        write_random(scratch, "folder/large", 600, 11);
        must(repository.load_index(no_problem));
        second = save_packs(repository, scratch);
        forget(repository, first);
    }

    Scratch scratch;
    MemoryBackend memory;
    Id second;
};

TEST_CASE("after a prune all is used and sound; a second one has nothing to do")
{
    TwoSnapshots two;
    PruneOptions options = nobody_else();
    options.dry_run = true;
    const auto before = two.memory.files();
    const PruneFigures asked = must(prune(opened(two.memory), options)).figures;
    CHECK(two.memory.files() == before);
    CHECK(asked.packs_repack > 0);
    CHECK(asked.packs_remove > 0);

    options.dry_run = false;
    Repository repository = opened(two.memory);
    PruneNotes notes;
    PruneSummary done;
    must(prune_repository(repository, options, notes, done));
    CHECK(repository.blobs().size() == 0);
    CHECK(done.figures.freed_bytes() == asked.freed_bytes());
    CHECK(is_sound(two.memory, "prune") == 1);
    const PruneFigures again = must(prune(opened(two.memory), options)).figures;
    CHECK(again.unused.blobs + again.duplicate.blobs == 0);
    CHECK(again.packs_unindexed + again.packs_remove == 0);
    CHECK(again.used.blobs == asked.used.blobs);
    CHECK(count_files(two.memory, FileKind::lock) == 0);
}

TEST_CASE("a repository of format version 1 is pruned like one of version 2, and never compressed")
{
    TwoSnapshots two(1);
    PruneOptions options = nobody_else();
    options.limits.repack_uncompressed = true;
    CHECK(prune(opened(two.memory), options).error().kind == ErrorKind::usage);
    CHECK(must(prune(opened(two.memory), nobody_else())).packs_removed > 0);
    CHECK(is_sound(two.memory, "prune") == 1);
    opened(two.memory).blobs().for_each([](const StoredBlob& stored) {
        CHECK(!stored.blob.is_compressed());
    });
}

TEST_CASE("a dry run tells what a forget would let go, and only a dry run does so")
{
    TwoSnapshots two;
    must(prune(opened(two.memory), nobody_else()));
    PruneOptions options = nobody_else();
    options.without = {two.second};
    CHECK(prune(opened(two.memory), options).error().kind == ErrorKind::usage);
    options.dry_run = true;
    const PruneFigures figures = must(prune(opened(two.memory), options)).figures;
    CHECK(figures.used.blobs == 0);
    CHECK(figures.packs_remove == count_files(two.memory, FileKind::pack));
}

TEST_CASE("any change of a prune may be refused, its answer lost, or be the last")
{
    TwoSnapshots two;
    size_t runs = 0;
    with_every_accident(
        two.memory,
        [](MemoryBackend& memory) -> Result<void> {
            TRY(prune(opened(memory), nobody_else()));
            return {};
        },
        [&](MemoryBackend& memory, const std::string& what) {
            CAPTURE(what);
            ++runs;
            CHECK(is_sound(memory, what) == 1);
            CHECK(memory.files().contains({FileKind::snapshot, two.second}));
            CHECK(must(remove_locks(opened(memory), true)) <= 2);
            CHECK(prune(opened(memory), nobody_else()).has_value());
            CHECK(is_sound(memory, what + ", prune again") == 1);
            const PruneFigures left = must(prune(opened(memory), nobody_else())).figures;
            CHECK(left.unused.blobs + left.duplicate.blobs + left.packs_unindexed == 0);
        });
    CHECK(runs > 40);
}

/// A prune, and a backup from begin to end when it comes to that phase.
void prune_beside_a_backup(PrunePhase when)
{
    CAPTURE(static_cast<int>(when));
    TwoSnapshots two;
    // The forgotten state is there again, and its blobs are still known: the backup stores none of them.
    for (unsigned i = 0; i < 6; ++i) write_random(two.scratch, fmt::format("small{}", i), 90, i);
    write_random(two.scratch, "folder/large", 700, 10);
    Repository pruned = opened(two.memory);
    PruneNotes notes;
    bool is_saved = false;
    notes.at_phase = [&](PrunePhase phase) {
        if (phase != when || is_saved) return;
        is_saved = true;
        Repository repository = opened(two.memory);
        save_packs(repository, two.scratch);
    };
    PruneSummary summary;
    must(prune_repository(pruned, nobody_else(), notes, summary));
    CHECK(is_saved);
    CHECK(summary.packs_rescued > 0);
    CHECK(is_sound(two.memory, "prune beside a backup") == 2);
    must(prune(opened(two.memory), nobody_else()));
    CHECK(is_sound(two.memory, "prune after it") == 2);
}

TEST_CASE("a backup that ends while a prune is under way keeps what it uses")
{
    for (const PrunePhase when : {PrunePhase::index, PrunePhase::trees, PrunePhase::repack,
                                  PrunePhase::rewrite_index, PrunePhase::wait})
        prune_beside_a_backup(when);
}

TEST_CASE("a backup by restic that runs while a prune is under way keeps what it uses")
{
    const Scratch scratch;
    init(scratch);
    std::filesystem::create_directories(scratch.path("tree"));
    write_random(scratch, "large", 900, 1);
    write_random(scratch, "small", 90, 2);
    Repository repository = opened(scratch);
    const Id first = save_packs(repository, scratch);
    write_random(scratch, "large", 900, 3);
    must(repository.load_index(no_problem));
    save_packs(repository, scratch);
    forget(repository, first);
    write_random(scratch, "large", 900, 1);
    PruneNotes notes;
    notes.at_phase = [&](PrunePhase phase) {
        if (phase == PrunePhase::wait) scratch.restic({"backup", scratch.path("tree")});
    };
    PruneSummary summary;
    must(prune_repository(repository, nobody_else(), notes, summary));
    CHECK(summary.packs_rescued > 0);
    scratch.restic({"check", "--read-data"});
    scratch.restic({"restore", "latest", "--target", scratch.path("restored")});
    CHECK(scratch.read("restored" + scratch.path("tree/large")) == scratch.read("tree/large"));
}

TEST_CASE("a prune waits for a backup that has begun before it, and gives up where that takes too long")
{
    TwoSnapshots two;
    write_random(two.scratch, "folder/large", 700, 10);
    Repository backup = opened(two.memory);
    auto lock = must(RepositoryLock::take(backup, Access::shared, std::chrono::milliseconds(0)));
    Repository pruned = opened(two.memory);
    PruneNotes notes;
    PruneSummary summary;
    CHECK(prune_repository(pruned, nobody_else(), notes, summary).error().kind == ErrorKind::busy);
    CHECK(summary.packs_removed + summary.index_files_removed == 0);

    notes.at_wait = [&] {
        if (notes.waits == 2) save_packs(backup, two.scratch);
        if (notes.waits == 3) lock.reset();
    };
    PruneOptions options = nobody_else();
    options.patience = std::chrono::minutes(1);
    must(prune_repository(pruned, options, notes, summary));
    CHECK(notes.waits == 3);
    CHECK(is_sound(two.memory, "prune after a wait") == 2);
}

TEST_CASE("others are kept out for the removal of index files alone")
{
    TwoSnapshots two;
    Repository pruned = opened(two.memory);
    const Repository other = opened(two.memory);
    std::map<PrunePhase, bool> let_in;
    PruneNotes notes;
    notes.at_phase = [&](PrunePhase phase) {
        let_in[phase] = RepositoryLock::take(other, Access::shared, std::chrono::milliseconds(0)).has_value();
    };
    PruneSummary summary;
    must(prune_repository(pruned, nobody_else(), notes, summary));
    CHECK(let_in.at(PrunePhase::index));
    CHECK(let_in.at(PrunePhase::repack));
    CHECK(let_in.at(PrunePhase::rewrite_index));
    CHECK(!let_in.at(PrunePhase::remove_index));
    CHECK(let_in.at(PrunePhase::remove_packs));
}

TEST_CASE("two prunes and four backups at once lose nothing")
{
    TwoSnapshots two;
    std::atomic<size_t> saved = 0;
    const auto back_up = [&](unsigned number) {
        const Scratch own;
        std::filesystem::create_directories(own.path("tree"));
        own.write("tree/some", Scratch::random_text(300 << 10, number % 2 == 0 ? 10 : 50 + number));
        for (;;) {
            Repository repository =
                must(Repository::open(std::make_unique<Borrowed>(two.memory), Scratch::password));
            const auto lock = RepositoryLock::take(repository, Access::shared, std::chrono::milliseconds(20));
            if (!lock) continue;
            must(repository.load_index(no_problem));
            save_packs(repository, own);
            ++saved;
            return;
        }
    };
    const auto prune_too = [&] {
        PruneOptions options = nobody_else();
        options.patience = std::chrono::minutes(1);
        options.look_again = std::chrono::milliseconds(5);
        options.settle = std::chrono::milliseconds(20);
        for (;;) {
            // Refused only by the other prune, for as long as that is alone, or because it was faster.
            const Result<PruneSummary> done = prune(opened(two.memory), options);
            if (done) return;
            REQUIRE_MESSAGE(done.error().kind == ErrorKind::busy, done.error().what);
        }
    };
    {
        std::vector<std::jthread> threads;
        for (unsigned i = 0; i < 4; ++i) threads.emplace_back(back_up, i);
        for (unsigned i = 0; i < 2; ++i) threads.emplace_back(prune_too);
    }
    CHECK(saved == 4);
    CHECK(is_sound(two.memory, "all at once") == 5);
}

TEST_CASE("where the index, a snapshot, a tree or a needed pack is damaged, a prune removes nothing")
{
    TwoSnapshots two;
    const auto refused = [&](FileKind kind, bool removed, std::string_view says) {
        for (const auto& [name, content] : two.memory.files()) {
            if (name.kind != kind) continue;
            MemoryBackend damaged;
            damaged.files() = two.memory.files();
            removed ? static_cast<void>(damaged.files().erase(name)) : damaged.files().at(name).pop_back();
            Repository repository =
                must(Repository::open(std::make_unique<Borrowed>(damaged), Scratch::password));
            const auto before = damaged.files();
            const Result<PruneSummary> done = prune(std::move(repository), nobody_else());
            if (done) continue;  // of packs: nobody needs it
            CHECK(done.error().kind == ErrorKind::corrupt);
            CHECK_MESSAGE(done.error().what.find(says) != std::string::npos, done.error().what);
            CHECK(!done.error().next.empty());
            // Locks apart, all is as it was.
            CHECK(damaged.files() == before);
            return;
        }
        FAIL_CHECK("nothing was refused");
    };
    refused(FileKind::index, false, "nothing was removed");
    refused(FileKind::index, true, "nothing was removed");
    refused(FileKind::snapshot, false, "nothing was removed");
    refused(FileKind::pack, true, "nothing was removed");
    refused(FileKind::pack, false, "nothing was removed");
}

TEST_CASE("backups, forget and prune by restic and Belay in turn leave what both find sound")
{
    const Scratch scratch;
    init(scratch);
    std::filesystem::create_directories(scratch.path("tree"));
    std::mt19937 random(7);
    for (unsigned round = 0; round < 10; ++round) {
        for (unsigned i = 0; i < 4; ++i)
            write_random(scratch, fmt::format("file{}", random() % 12), random() % 900,
                         static_cast<unsigned>(random()));
        if (round % 2 == 0) {
            scratch.restic({"backup", scratch.path("tree")});
        } else {
            Repository repository = opened(scratch);
            save_packs(repository, scratch);
        }
        if (round % 3 != 2) continue;
        const bool ours = round % 2 == 0;
        scratch.restic({"forget", "--group-by", "", "--keep-last", "2"});
        if (ours) {
            PruneOptions options = nobody_else();
            options.limits.repack_small = true;
            must(prune(opened(scratch), options));
        } else {
            scratch.restic({"prune", "--max-unused", "0"});
        }
        scratch.restic({"check", "--read-data"});
        CHECK(is_sound(opened(scratch), fmt::format("round {}", round)) == 2);
    }
    PruneOptions options = nobody_else();
    options.limits.pack_size = PackWriter::usual_pack_size;
    // The rest of the first may be one small pack more, and then there are enough to put together.
    for (int time = 0; time < 2; ++time) must(prune(opened(scratch), options));
    const std::string asked =
        scratch.run({"restic", "--no-cache", "-r", scratch.path("repository"), "--password-file",
                     scratch.path("password"), "prune", "--dry-run", "--max-unused", "0"});
    CHECK_MESSAGE(asked.find("to delete:             0 blobs") != std::string::npos, asked);
    CHECK_MESSAGE(asked.find("to repack:             0 blobs") != std::string::npos, asked);
    scratch.restic({"restore", "latest", "--target", scratch.path("restored")});
    for (const auto& entry : std::filesystem::directory_iterator(scratch.path("tree"))) {
        const std::string name = entry.path().filename();
        CHECK(scratch.read("restored" + scratch.path("tree/") + name) == scratch.read("tree/" + name));
    }
}

}  // namespace
}  // namespace belay::backup
