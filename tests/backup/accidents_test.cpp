// Whatever goes wrong at any write of a backup: what was finished before is whole, and the next backup
// finishes.

#include "in_memory.h"
#include "notes.h"
#include "scratch.h"

namespace belay::backup {
namespace {

/// Saves the tree in small packs, so that there are many writes.
Result<Id> save(MemoryBackend& memory, const Scratch& scratch)
{
    Repository repository = opened(memory);
    SavingOptions options{.paths = {scratch.path("tree")}};
    options.writer.pack_size = 256 << 10;
    options.threads = 2;
    SavingNotes notes;
    SavingSummary summary;
    TRY(save_paths(repository, options, notes, summary));
    return *summary.snapshot;
}

TEST_CASE("any write of a backup may be refused, its answer lost, or be the last")
{
    const Scratch scratch;
    std::filesystem::create_directories(scratch.path("tree/folder"));
    scratch.write("tree/one", Scratch::random_text(900 << 10, 1));
    scratch.write("tree/folder/two", Scratch::random_text(700 << 10, 2));
    MemoryBackend first;
    init(first);
    const Id finished = must(save(first, scratch));
    scratch.write("tree/one", Scratch::random_text(900 << 10, 3));
    scratch.write("tree/folder/three", Scratch::random_text(600 << 10, 4));

    const auto with = [&](std::optional<MemoryBackend::Accident> accident) {
        auto memory = std::make_unique<MemoryBackend>();
        memory->files() = first.files();
        memory->plan(accident);
        return memory;
    };
    using Kind = MemoryBackend::Accident::Kind;
    size_t runs = 0;
    // How many packs there are depends on which thread is first: the last write is the one before that
    // which no run reaches.
    size_t reached = 1;
    for (size_t at = 1; reached > 0; ++at) {
        reached = 0;
        for (const Kind kind : {Kind::refused, Kind::lost, Kind::dead, Kind::dead_late}) {
            const std::string what = fmt::format("accident {} at write {}", static_cast<int>(kind), at);
            const auto memory =
                with(MemoryBackend::Accident{.kind = kind, .at = at, .error = ErrorKind::no_space});
            const Result<Id> saved = save(*memory, scratch);
            const bool happened = memory->changes() >= at;
            CHECK_MESSAGE(saved.has_value() != happened, what);
            memory->plan(std::nullopt);
            CHECK(is_sound(*memory, what) >= 1);
            CHECK(memory->files().contains({FileKind::snapshot, finished}));
            CHECK_MESSAGE(save(*memory, scratch).has_value(), what);
            is_sound(*memory, what);
            if (happened) ++reached;
        }
        runs += reached;
    }
    CHECK(runs >= 20);
    MESSAGE(runs << " runs");
}

}  // namespace
}  // namespace belay::backup
