// Whatever is damaged, a repair brings back all that is left, and says what is not.

#include "backup/maintenance/repair.h"

#include "in_memory.h"
#include "notes.h"
#include "scratch.h"

namespace belay::backup {
namespace {

constexpr std::chrono::milliseconds at_once{0};

Result<IndexRepairSummary> repair_the_index(MemoryBackend& memory, bool read_all = false)
{
    Repository repository = TRY(Repository::open(std::make_unique<Borrowed>(memory), Scratch::password));
    const auto lock = TRY(RepositoryLock::take(repository, Access::exclusive, at_once));
    RepairNotes notes;
    IndexRepairSummary summary;
    TRY(repair_index(repository, *lock, {.read_all_packs = read_all, .threads = 1}, notes, summary));
    return summary;
}

Result<PackRepairSummary> repair_the_packs(MemoryBackend& memory, const std::vector<Id>& packs)
{
    Repository repository = TRY(Repository::open(std::make_unique<Borrowed>(memory), Scratch::password));
    const auto lock = TRY(RepositoryLock::take(repository, Access::exclusive, at_once));
    RepairNotes notes;
    PackRepairSummary summary;
    TRY(repair_packs(repository, *lock, packs, 64 << 10, notes, summary));
    return summary;
}

Result<SnapshotRepairSummary> repair_the_snapshots(MemoryBackend& memory, bool forget = true)
{
    Repository repository = TRY(Repository::open(std::make_unique<Borrowed>(memory), Scratch::password));
    TRY(repository.load_index(no_problem));
    const auto lock = TRY(RepositoryLock::take(repository, Access::shared, at_once));
    const std::vector<Snapshot> all = TRY(repository.snapshots(no_problem));
    RepairNotes notes;
    SnapshotRepairSummary summary;
    TRY(repair_snapshots(repository, *lock, all, all, {.forget = forget}, notes, summary));
    return summary;
}

/// A snapshot of six small files, two to a pack or so.
struct Saved {
    Saved()
    {
        std::filesystem::create_directories(scratch.path("tree/folder"));
        for (unsigned i = 0; i < 6; ++i)
            scratch.write(fmt::format("tree/{}file{}", i % 2 == 0 ? "" : "folder/", i),
                          Scratch::random_text(40 << 10, i));
        init(memory);
        Repository repository = opened(memory);
        SavingNotes notes;
        SavingSummary summary;
        SavingOptions options{.paths = {scratch.path("tree")}, .threads = 1};
        options.writer.pack_size = 64 << 10;
        must(save_paths(repository, options, notes, summary));
    }

    std::vector<FileName> names(FileKind kind) const
    {
        std::vector<FileName> all;
        for (const auto& [name, content] : memory.files()) {
            if (name.kind == kind) all.push_back(name);
        }
        return all;
    }
    /// A pack that holds data of files, or the trees.
    FileName pack(BlobType type)
    {
        std::optional<Id> found;
        opened(memory).blobs().for_each([&](const StoredBlob& stored) {
            if (stored.blob.type == type) found = stored.pack;
        });
        return {FileKind::pack, *found};
    }

    Scratch scratch;
    MemoryBackend memory;
};

TEST_CASE("an index that is lost, damaged or too old is made from the packs")
{
    Saved saved;
    const FileName index = saved.names(FileKind::index).front();
    const auto whole = saved.memory.files();
    saved.memory.files().erase(index);
    CHECK(must(repair_the_index(saved.memory)).packs_read == saved.names(FileKind::pack).size());
    CHECK(is_sound(saved.memory, "index lost") == 1);
    CHECK(must(repair_the_index(saved.memory)).files_written == 0);
    CHECK(must(repair_the_index(saved.memory, true)).files_written == 0);

    saved.memory.files() = whole;
    saved.memory.files().at(index)[40] ^= 1;
    CHECK(must(repair_the_index(saved.memory)).damaged_indexes == 1);
    CHECK(saved.names(FileKind::index).size() == 1);
    CHECK(is_sound(saved.memory, "index damaged") == 1);

    // An index that lies: other blobs than those of the pack, as long as these.
    saved.memory.files() = whole;
    {
        const Repository repository = opened(saved.memory);
        std::vector<IndexedPack> packs;
        must(read_index(must(repository.load_text(index)), [&](IndexedPack pack) {
            pack.blobs.front().id = Id::of("another");
            packs.push_back(std::move(pack));
        }));
        must(repository.save_text(FileKind::index, index_text(packs)));
    }
    saved.memory.files().erase(index);
    CHECK(must(repair_the_index(saved.memory, true)).files_written > 0);
    CHECK(is_sound(saved.memory, "index lies") == 1);
}

TEST_CASE("a pack that is lost leaves the index, and snapshots keep what is left of them")
{
    Saved saved;
    saved.memory.files().erase(saved.pack(BlobType::data));
    CHECK(must(repair_the_index(saved.memory)).packs_lost == 1);
    const SnapshotRepairSummary summary = must(repair_the_snapshots(saved.memory, false));
    CHECK(summary.repaired == 1);
    CHECK(summary.files >= 1);
    CHECK(summary.files < 6);
    const std::vector<Snapshot> both = must(opened(saved.memory).snapshots(no_problem));
    REQUIRE(both.size() == 2);
    const Snapshot& fresh = both[0].original ? both[0] : both[1];
    CHECK(fresh.tags == std::vector<std::string>{"repaired"});
    CHECK(must(repair_the_snapshots(saved.memory, true)).sound == 1);
    CHECK(is_sound(saved.memory, "pack lost") == 2);
}

TEST_CASE("of a damaged pack every blob is saved but the one that is damaged")
{
    for (const bool cut : {false, true}) {
        Saved saved;
        const FileName pack = saved.pack(BlobType::data);
        std::string& bytes = saved.memory.files().at(pack);
        // The second of the two blobs: one bit of it, or the rest of the pack with the header.
        cut ? bytes.resize(50 << 10) : static_cast<void>(bytes[50 << 10] ^= 1);
        CHECK(must(repair_the_index(saved.memory)).packs_lost == 0);
        const PackRepairSummary summary = must(repair_the_packs(saved.memory, {pack.id}));
        CHECK(summary.blobs_saved == 1);
        CHECK(summary.blobs_lost == 1);
        CHECK(!saved.memory.files().contains(pack));
        CHECK(must(repair_the_snapshots(saved.memory)).files == 1);
        CHECK(is_sound(saved.memory, "pack damaged") == 1);
    }
}

TEST_CASE("where the trees are lost, a repair says so and leaves the snapshot unless it is to go")
{
    Saved saved;
    const FileName pack = saved.pack(BlobType::tree);
    saved.memory.files().erase(pack);
    must(repair_the_packs(saved.memory, {pack.id}));
    CHECK(must(repair_the_snapshots(saved.memory, false)).lost == 1);
    CHECK(saved.names(FileKind::snapshot).size() == 1);
    CHECK(must(repair_the_snapshots(saved.memory, true)).lost == 1);
    CHECK(saved.names(FileKind::snapshot).empty());
    CHECK(repair_the_packs(saved.memory, {pack.id}).error().kind == ErrorKind::not_found);
}

TEST_CASE("any change of a repair may fail: nothing more is lost, and the next one ends it")
{
    Saved saved;
    const FileName pack = saved.pack(BlobType::data);
    saved.memory.files().at(pack)[50 << 10] ^= 1;
    saved.memory.files().erase(saved.names(FileKind::index).front());
    const auto mend = [&](MemoryBackend& memory) -> Result<void> {
        TRY(repair_the_index(memory));
        if (memory.files().contains(pack)) TRY(repair_the_packs(memory, {pack.id}));
        const SnapshotRepairSummary summary = TRY(repair_the_snapshots(memory));
        CHECK(summary.files <= 1);
        CHECK(summary.folders == 0);
        return {};
    };
    with_every_accident(saved.memory, mend, [&](MemoryBackend& memory, const std::string& what) {
        must(remove_locks(must(Repository::open(std::make_unique<Borrowed>(memory), Scratch::password)),
                          true));
        CHECK_MESSAGE(mend(memory).has_value(), what);
        CHECK_MESSAGE(is_sound(memory, what) == 1, what);
    });
}

TEST_CASE("what Belay has repaired, restic finds whole")
{
    const Scratch scratch;
    init(scratch);
    scratch.make_tree();
    scratch.restic({"backup", scratch.path("tree")});
    scratch.write("tree/second", Scratch::random_text(900 << 10, 12));
    scratch.restic({"backup", scratch.path("tree")});
    Repository repository = opened(scratch);
    const std::vector<Snapshot> all = must(repository.snapshots(no_problem));
    std::optional<StoredBlob> victim;
    repository.blobs().for_each([&](const StoredBlob& stored) {
        if (stored.blob.type == BlobType::data && stored.blob.content_size() > (100 << 10)) victim = stored;
    });
    const std::string hex = victim->pack.hex();
    const std::string path = "repository/data/" + hex.substr(0, 2) + "/" + hex;
    std::string bytes = scratch.read(path);
    bytes[victim->blob.offset + 50] ^= 1;
    std::filesystem::remove(scratch.path(path));
    scratch.write(path, bytes);
    {
        const auto lock = must(RepositoryLock::take(repository, Access::exclusive, at_once));
        RepairNotes notes;
        PackRepairSummary packs;
        must(repair_packs(repository, *lock, {&victim->pack, 1}, 16 << 20, notes, packs));
        CHECK(packs.blobs_lost == 1);
        SnapshotRepairSummary snapshots;
        must(repair_snapshots(repository, *lock, all, all, {.forget = true}, notes, snapshots));
        CHECK(snapshots.repaired >= 1);
    }
    scratch.restic({"check", "--read-data"});
    CHECK(must(parse_json(scratch.restic({"snapshots", "--json"}))).size() == 2);
}

}  // namespace
}  // namespace belay::backup
