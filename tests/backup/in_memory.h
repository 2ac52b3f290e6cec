#pragma once
// For tests: a repository in memory that outlives whoever works on it, and accidents at each of its changes.

#include "backup/backend/memory.h"
#include "backup/maintenance/repair.h"
#include "backup/pipeline/checking.h"
#include "notes.h"

namespace belay::backup {

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

inline void init(MemoryBackend& memory, unsigned version = Config::newest_version)
{
    static_cast<void>(must(Repository::create(std::make_unique<Borrowed>(memory), Scratch::password,
                                              {.version = version, .cost = {.n = 16, .r = 1, .p = 1}})));
}

inline Repository opened(MemoryBackend& memory)
{
    Repository repository = must(Repository::open(std::make_unique<Borrowed>(memory), Scratch::password));
    must(repository.load_index(no_problem));
    return repository;
}

struct RepairNotes final : RepairObserver {
    void found(const std::string& what) override
    {
        const std::lock_guard lock(mutex);
        all.push_back(what);
    }
    void begins(uint64_t) override {}
    void advanced() override {}
    std::mutex mutex;
    std::vector<std::string> all;
};

/// Everything that a snapshot speaks of is there and sound; how many there are.
inline size_t is_sound(Repository repository, const std::string& after)
{
    CheckingNotes notes;
    CheckingSummary summary;
    must(check_repository(repository, {.reads_data = [](const Id&) { return true; }, .threads = 1}, notes,
                          summary));
    for (const std::string& error : notes.errors) FAIL_CHECK(after, ": ", error);
    return summary.snapshots;
}

inline size_t is_sound(MemoryBackend& memory, const std::string& after)
{
    return is_sound(must(Repository::open(std::make_unique<Borrowed>(memory), Scratch::password)), after);
}

/// Does `act` on copies of a repository, each with another accident at another change, and hands what is left
/// to `then`, which may do `act` again.
inline void with_every_accident(const MemoryBackend& first,
                                const std::function<Result<void>(MemoryBackend&)>& act,
                                const std::function<void(MemoryBackend&, const std::string&)>& then)
{
    const auto with = [&](std::optional<MemoryBackend::Accident> accident) {
        auto memory = std::make_unique<MemoryBackend>();
        memory->files() = first.files();
        memory->plan(accident);
        return memory;
    };
    const auto whole = with(std::nullopt);
    must(act(*whole));
    const size_t changes = whole->changes();
    then(*whole, "no accident");
    using Kind = MemoryBackend::Accident::Kind;
    for (size_t at = 1; at <= changes; ++at) {
        for (const Kind kind : {Kind::refused, Kind::lost, Kind::dead, Kind::dead_late}) {
            const std::string what =
                fmt::format("accident {} at change {} of {}", static_cast<int>(kind), at, changes);
            const auto memory =
                with(MemoryBackend::Accident{.kind = kind, .at = at, .error = ErrorKind::no_space});
            // What may fail without harm is the removal of its own lock alone.
            static_cast<void>(act(*memory));
            memory->plan(std::nullopt);
            then(*memory, what);
        }
    }
}

}  // namespace belay::backup
