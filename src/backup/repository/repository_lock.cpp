#include "backup/repository/repository_lock.h"

#include <algorithm>

namespace belay::backup {
namespace {

using namespace std::chrono_literals;

constexpr auto refresh_after = 5min;

std::unexpected<Error> held_by(const LockFile& lock)
{
    return fail(
        ErrorKind::busy,
        fmt::format("the repository is locked{} by {}", lock.exclusive ? " exclusively" : "", lock.owner()),
        "wait for it; or belay backup unlock, where it is gone");
}

/// Errors: busy, where another's lock does not go with this access.
Result<void> nobody_minds(const Repository& repository, Access access, const Id& own)
{
    const Timestamp now = Timestamp::now();
    for (const LockFile& lock : TRY(locks_of(repository))) {
        if (lock.id == own || lock.is_stale(now)) continue;
        if (lock.exclusive || access == Access::exclusive) return held_by(lock);
    }
    return {};
}

/// Where everything is slow, another may have held the repository alone after it was looked at for locks, and
/// be gone already. It has left another index then: of what is shared, others may have added to it.
Result<void> index_stands(const Repository& repository, Access access)
{
    const std::vector<Id>& read = repository.index_files();
    if (read.empty()) return {};
    const std::vector<Id> now = ids_of(TRY(repository.backend().list(FileKind::index)));
    const bool stands = access == Access::exclusive ? now == read : std::ranges::includes(now, read);
    if (stands) return {};
    return fail(ErrorKind::busy, "another has altered the repository at the moment at which it was opened",
                "the same again");
}

}  // namespace

Result<std::vector<LockFile>> locks_of(const Repository& repository)
{
    std::vector<LockFile> locks;
    for (const ListedFile& listed : TRY(repository.backend().list(FileKind::lock))) {
        const Result<std::string> text = repository.load_text({FileKind::lock, listed.id});
        if (!text && (text.error().kind == ErrorKind::not_found || text.error().kind == ErrorKind::corrupt))
            continue;
        Result<LockFile> lock = LockFile::from_text(TRY(text));
        if (!lock) continue;
        lock->id = listed.id;
        locks.push_back(*std::move(lock));
    }
    return locks;
}

Result<size_t> remove_locks(const Repository& repository, bool all)
{
    size_t removed = 0;
    if (all) {
        for (const ListedFile& listed : TRY(repository.backend().list(FileKind::lock))) {
            TRY(repository.backend().remove({FileKind::lock, listed.id}));
            ++removed;
        }
        return removed;
    }
    const Timestamp now = Timestamp::now();
    for (const LockFile& lock : TRY(locks_of(repository))) {
        if (!lock.is_stale(now)) continue;
        TRY(repository.backend().remove({FileKind::lock, lock.id}));
        ++removed;
    }
    return removed;
}

Result<void> remove_own_locks(const Repository& repository)
{
    const LockFile own = LockFile::of_this_process(false);
    for (const LockFile& lock : TRY(locks_of(repository))) {
        if (lock.pid == own.pid && lock.hostname == own.hostname)
            TRY(repository.backend().remove({FileKind::lock, lock.id}));
    }
    return {};
}

Result<std::unique_ptr<RepositoryLock>> RepositoryLock::take(const Repository& repository, Access access,
                                                             Settle settle)
{
    std::unique_ptr<RepositoryLock> lock = TRY(begin(repository, access, settle));
    // An index that was read before is its reader's care.
    lock->checks_index_ = false;
    TRY(lock->confirm());
    return lock;
}

Result<std::unique_ptr<RepositoryLock>> RepositoryLock::begin(const Repository& repository, Access access,
                                                              Settle settle)
{
    TRY(nobody_minds(repository, access, {}));
    LockFile lock = LockFile::of_this_process(access == Access::exclusive);
    lock.id = TRY(repository.save_text(FileKind::lock, lock.to_text()));
    const auto needed = repository.backend().lists_what_is_there() ? 0ms : usual_settle;
    return std::unique_ptr<RepositoryLock>(
        new RepositoryLock(repository, std::move(lock), access, settle.value_or(needed)));
}

Result<void> RepositoryLock::confirm()
{
    const std::lock_guard guard(confirming_);
    if (!confirmed_) confirmed_ = look_again();
    return *confirmed_;
}

Result<void> RepositoryLock::look_again()
{
    std::this_thread::sleep_until(settled_);
    Id own;
    {
        const std::lock_guard guard(mutex_);
        own = lock_.id;
    }
    TRY(nobody_minds(repository_, access_, own));
    return checks_index_ ? index_stands(repository_, access_) : Result<void>();
}

RepositoryLock::RepositoryLock(const Repository& repository, LockFile lock, Access access,
                               std::chrono::milliseconds settle)
    : repository_(repository),
      access_(access),
      settled_(std::chrono::steady_clock::now() + settle),
      lock_(std::move(lock)),
      thread_([this] { keep_alive(); })
{
}

RepositoryLock::~RepositoryLock()
{
    {
        const std::lock_guard guard(mutex_);
        ends_ = true;
    }
    ends_changed_.notify_all();
    thread_.join();
    // One that stays behind grows stale.
    static_cast<void>(repository_.backend().remove({FileKind::lock, lock_.id}));
}

void RepositoryLock::keep_alive()
{
    std::unique_lock guard(mutex_);
    while (!ends_changed_.wait_for(guard, refresh_after, [&] { return ends_; })) {
        const bool exclusive = lock_.exclusive;
        guard.unlock();
        // One that could not be written is tried again; is_held() knows how long that may go on.
        static_cast<void>(write_anew(exclusive));
        guard.lock();
    }
}

Result<void> RepositoryLock::share()
{
    return write_anew(false);
}

Result<void> RepositoryLock::write_anew(bool exclusive)
{
    const std::lock_guard writing(writing_);
    LockFile next;
    {
        const std::lock_guard guard(mutex_);
        next = lock_;
    }
    const Id before = next.id;
    next.time = Timestamp::now();
    next.exclusive = exclusive && next.exclusive;
    next.id = TRY(repository_.save_text(FileKind::lock, next.to_text()));
    {
        const std::lock_guard guard(mutex_);
        lock_ = std::move(next);
    }
    return repository_.backend().remove({FileKind::lock, before});
}

bool RepositoryLock::is_held() const
{
    const std::lock_guard guard(mutex_);
    // A refresh may be under way: no longer than that before it grows stale.
    const auto limit = std::chrono::seconds(LockFile::grows_stale - refresh_after);
    return Timestamp::now().seconds - lock_.time.seconds < limit.count();
}

}  // namespace belay::backup
