// A lock that was begun: what may be read meanwhile, and that nothing is written before it is confirmed.

#include "backup/pipeline/saving.h"
#include "backup/repository/repository_lock.h"
#include "in_memory.h"

#include <atomic>
#include <future>
#include <thread>
#include <vector>

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

TEST_CASE("on this host's own disks two never hold a repository alone at once, though neither waits")
{
    const Scratch scratch;
    init(scratch);
    if (!place(scratch)->lists_what_is_there()) {
        MESSAGE("the temporary folder is on no filesystem for this");
        return;
    }
    // Of three one only wants to share, and holds it for longer.
    std::atomic<int> alone = 0, sharing = 0;
    std::atomic<unsigned> taken = 0, refused = 0, together = 0;
    const auto take_often = [&](Access access) {
        const Repository repository = must(Repository::open(place(scratch), Scratch::password));
        std::atomic<int>& here = access == Access::exclusive ? alone : sharing;
        constexpr int times = 400;
        for (int time = 0; time < times; ++time) {
            const auto lock = RepositoryLock::take(repository, access);
            if (!lock) {
                CHECK(lock.error().kind == ErrorKind::busy);
                ++refused;
                continue;
            }
            ++here;
            ++taken;
            if (alone > 1 || (alone == 1 && sharing > 0)) ++together;
            std::this_thread::sleep_for(std::chrono::microseconds(access == Access::shared ? 300 : 50));
            if (alone > 1 || (alone == 1 && sharing > 0)) ++together;
            --here;
        }
    };
    {
        std::vector<std::jthread> all;
        for (const Access access : {Access::exclusive, Access::exclusive, Access::shared})
            all.emplace_back([&, access] { take_often(access); });
    }
    CHECK(together.load() == 0);
    CHECK(taken.load() > 0);
    CHECK(refused.load() > 0);
    CHECK(must(place(scratch)->list(FileKind::lock)).empty());
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
