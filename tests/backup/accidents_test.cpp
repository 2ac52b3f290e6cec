// Whatever goes wrong at any write of a backup: what was finished before is whole, and the next backup
// finishes.

#include "backup/backend/memory.h"
#include "backup/pipeline/checking.h"
#include "notes.h"
#include "scratch.h"

namespace belay::backup {
namespace {

/// A place that others hold as well.
class Borrowed final : public Backend {
  public:
    explicit Borrowed(MemoryBackend& memory) : memory_(memory) {}
    std::string location() const override { return memory_.location(); }
    Result<void> create() override { return memory_.create(); }
    Result<void> save(const FileName& name, std::string_view content) override
    {
        return memory_.save(name, content);
    }
    Result<std::string> load(const FileName& name, uint64_t offset, uint64_t length) override
    {
        return memory_.load(name, offset, length);
    }
    Result<uint64_t> size(const FileName& name) override { return memory_.size(name); }
    Result<void> remove(const FileName& name) override { return memory_.remove(name); }
    Result<std::vector<ListedFile>> list(FileKind kind) override { return memory_.list(kind); }

  private:
    MemoryBackend& memory_;
};

Repository opened(MemoryBackend& memory)
{
    Repository repository = must(Repository::open(std::make_unique<Borrowed>(memory), Scratch::password));
    must(repository.load_index(no_problem));
    return repository;
}

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

struct Errors final : CheckingObserver {
    void error(const std::string& what) override { errors.push_back(what); }
    void hint(const std::string&) override {}
    std::vector<std::string> errors;
};

/// Everything that a snapshot speaks of is there and sound.
void is_sound(MemoryBackend& memory, const std::string& after)
{
    Repository repository = must(Repository::open(std::make_unique<Borrowed>(memory), Scratch::password));
    Errors errors;
    CheckingSummary summary;
    must(check_repository(repository, {.reads_data = [](const Id&) { return true; }, .threads = 1}, errors,
                          summary));
    for (const std::string& error : errors.errors) FAIL_CHECK(after, ": ", error);
    CHECK(summary.snapshots.load() >= 1);
}

TEST_CASE("any write of a backup may be refused, its answer lost, or be the last")
{
    const Scratch scratch;
    std::filesystem::create_directories(scratch.path("tree/folder"));
    scratch.write("tree/one", Scratch::random_text(900 << 10, 1));
    scratch.write("tree/folder/two", Scratch::random_text(700 << 10, 2));
    MemoryBackend first;
    static_cast<void>(must(Repository::create(std::make_unique<Borrowed>(first), Scratch::password,
                                              {.cost = {.n = 16, .r = 1, .p = 1}})));
    const Id finished = must(save(first, scratch));
    scratch.write("tree/one", Scratch::random_text(900 << 10, 3));
    scratch.write("tree/folder/three", Scratch::random_text(600 << 10, 4));

    const auto with = [&](std::optional<MemoryBackend::Accident> accident) {
        auto memory = std::make_unique<MemoryBackend>();
        memory->files() = first.files();
        memory->plan(accident);
        return memory;
    };
    const auto whole = with(std::nullopt);
    must(save(*whole, scratch));
    const size_t writes = whole->changes();
    CHECK(writes >= 5);

    using Kind = MemoryBackend::Accident::Kind;
    size_t runs = 0;
    for (size_t at = 1; at <= writes; ++at) {
        for (const Kind kind : {Kind::refused, Kind::lost, Kind::dead, Kind::dead_late}) {
            const std::string what = fmt::format("accident {} at write {}", static_cast<int>(kind), at);
            const auto memory =
                with(MemoryBackend::Accident{.kind = kind, .at = at, .error = ErrorKind::no_space});
            const Result<Id> saved = save(*memory, scratch);
            CHECK_MESSAGE(!saved.has_value(), what);
            memory->plan(std::nullopt);
            is_sound(*memory, what);
            CHECK(memory->files().contains({FileKind::snapshot, finished}));
            CHECK_MESSAGE(save(*memory, scratch).has_value(), what);
            is_sound(*memory, what);
            ++runs;
        }
    }
    MESSAGE(runs << " runs");
}

}  // namespace
}  // namespace belay::backup
