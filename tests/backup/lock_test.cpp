// A lock that was begun: what may be read meanwhile, and that nothing is written before it is confirmed.

#include "backup/pipeline/saving.h"
#include "backup/repository/repository_lock.h"
#include "in_memory.h"

#include <future>

namespace belay::backup {
namespace {

constexpr std::chrono::milliseconds at_one_moment{0};

/// Saves a file of chance, so that there is an index.
void save_some(MemoryBackend& memory, const Scratch& scratch, unsigned seed)
{
    scratch.write("some", Scratch::random_text(100000, seed));
    Repository repository = opened(memory);
    SavingSummary summary;
    SavingNotes notes;
    must(save_paths(repository, {.paths = {scratch.path("some")}}, notes, summary));
}

size_t count(const MemoryBackend& memory, FileKind kind)
{
    return static_cast<size_t>(
        std::ranges::count_if(memory.files(), [&](const auto& file) { return file.first.kind == kind; }));
}

TEST_CASE("a lock is not confirmed where another was taken meanwhile, or the index that was read is gone")
{
    const Scratch scratch;
    MemoryBackend memory;
    init(memory);
    save_some(memory, scratch, 1);
    const auto confirmed = [&](Access access, const std::function<void()>& meanwhile) -> Result<void> {
        Repository repository = must(Repository::open(std::make_unique<Borrowed>(memory), Scratch::password));
        const auto lock = must(RepositoryLock::begin(repository, access, at_one_moment));
        must(repository.load_index(no_problem));
        meanwhile();
        const Result<void> first = lock->confirm();
        CHECK(lock->confirm().has_value() == first.has_value());
        return first;
    };
    CHECK(confirmed(Access::shared, [] {}));
    CHECK(confirmed(Access::exclusive, [] {}));

    const auto adds = [&] { save_some(memory, scratch, 2); };
    CHECK(confirmed(Access::shared, adds));
    const auto adds_more = [&] { save_some(memory, scratch, 3); };
    CHECK(confirmed(Access::exclusive, adds_more).error().kind == ErrorKind::busy);

    const Repository other = opened(memory);
    const auto locks = [&](Access access) {
        const LockFile lock = LockFile::of_this_process(access == Access::exclusive);
        must(other.save_text(FileKind::lock, lock.to_text()));
    };
    CHECK(confirmed(Access::shared, [&] { locks(Access::shared); }));
    CHECK(confirmed(Access::shared, [&] { locks(Access::exclusive); }).error().kind == ErrorKind::busy);
    must(remove_locks(other, true));
    CHECK(confirmed(Access::exclusive, [&] { locks(Access::shared); }).error().kind == ErrorKind::busy);
    must(remove_locks(other, true));

    // As a prune leaves it that was over before the lock was looked at again.
    const auto rewrites = [&] {
        std::erase_if(memory.files(), [](const auto& file) { return file.first.kind == FileKind::index; });
    };
    const Error error = confirmed(Access::shared, rewrites).error();
    CHECK(error.kind == ErrorKind::busy);
    CHECK(error.what == "another has altered the repository at the moment at which it was opened");
}

TEST_CASE("a backup makes its blobs ready before the lock is confirmed, and writes none of them")
{
    const Scratch scratch;
    scratch.write("first", Scratch::random_text(6 << 20, 4));
    scratch.write("second", Scratch::random_text(6 << 20, 5));
    MemoryBackend memory;
    init(memory);
    Repository repository = opened(memory);
    SavingSummary summary;
    SavingNotes notes;
    std::promise<Result<void>> answer;
    const std::shared_future<Result<void>> answered = answer.get_future();
    std::promise<void> asked;
    std::once_flag once;
    SavingOptions options{.paths = {scratch.path("first"), scratch.path("second")}, .threads = 2};
    options.writer.pack_size = 4 << 20;
    options.writer.may_write = [&] {
        std::call_once(once, [&] { asked.set_value(); });
        return answered.get();
    };
    const auto save = [&] { return save_paths(repository, options, notes, summary); };
    std::future<Result<void>> saved = std::async(std::launch::async, save);
    asked.get_future().wait();
    CHECK(count(memory, FileKind::pack) == 0);

    SUBCASE("it may")
    {
        answer.set_value({});
        must(saved.get());
        CHECK(count(memory, FileKind::pack) >= 3);
        CHECK(count(memory, FileKind::snapshot) == 1);
        CHECK(is_sound(memory, "a lock that was confirmed late") == 1);
    }
    SUBCASE("it may not")
    {
        answer.set_value(fail(ErrorKind::busy, "another was quicker"));
        CHECK(saved.get().error().what == "another was quicker");
        CHECK(memory.files().size() == 2);  // the config and the key
    }
}

TEST_CASE("where nothing is new a snapshot waits for the lock as well")
{
    const Scratch scratch;
    MemoryBackend memory;
    init(memory);
    save_some(memory, scratch, 6);
    Repository repository = opened(memory);
    const size_t before = memory.files().size();
    SavingSummary summary;
    SavingNotes notes;
    SavingOptions options{.paths = {scratch.path("some")}};
    options.writer.may_write = [] { return fail(ErrorKind::busy, "another was quicker"); };
    CHECK(save_paths(repository, options, notes, summary).error().kind == ErrorKind::busy);
    CHECK(memory.files().size() == before);
}

}  // namespace
}  // namespace belay::backup
