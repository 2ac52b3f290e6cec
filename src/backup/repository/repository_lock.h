#pragma once
// The right to work in a repository, held against restic's processes and ours alike.

#include "backup/repository/lock_file.h"
#include "backup/repository/repository.h"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace belay::backup {

/// Who adds or reads shares a repository; who removes has it alone.
enum class Access { shared, exclusive };

/// All locks of a repository; those that cannot be read are left out, for their owners cannot be told.
Result<std::vector<LockFile>> locks_of(const Repository& repository);

/// Removes locks whose owners are gone, or `all`; how many. Errors: those of the place.
Result<size_t> remove_locks(const Repository& repository, bool all);

/// Removes the locks of this process, which is about to end. Errors: those of the place.
Result<void> remove_own_locks(const Repository& repository);

/// Threads: any for is_held().
class RepositoryLock {
  public:
    /// Two that take a lock at the same moment both see the other's after this time, where a place may list
    /// less than is there. Restic waits as long everywhere.
    static constexpr std::chrono::milliseconds usual_settle{200};
    using Settle = std::optional<std::chrono::milliseconds>;

    /// Takes the lock, and writes it anew every five minutes as long as this object lives. Locks that are
    /// stale are in nobody's way. `settle`: how long to wait before others' are looked for; unless said as
    /// long as the place wants it. Errors: busy, naming who holds it; those of the place.
    static Result<std::unique_ptr<RepositoryLock>> take(const Repository& repository, Access access,
                                                        Settle settle = {});
    /// The same in two parts: between them the index and whatever it speaks of may be read. Nothing may be
    /// written before confirm() has said that nobody took a lock at the same moment, and that the index which
    /// was read is still that of the repository. It waits until it may say so; asked again it says the same
    /// at once. Errors: as take(). Threads: any for confirm().
    static Result<std::unique_ptr<RepositoryLock>> begin(const Repository& repository, Access access,
                                                         Settle settle = {});
    Result<void> confirm();
    /// Gives it back.
    ~RepositoryLock();
    RepositoryLock(const RepositoryLock&) = delete;
    RepositoryLock& operator=(const RepositoryLock&) = delete;

    /// False when it could not be written anew for so long that others may take it for stale: then nothing
    /// may be removed any more.
    bool is_held() const;

    /// Makes an exclusive lock a shared one, with no moment in between at which there is none. Errors: those
    /// of the place; then it may still keep others out.
    Result<void> share();

  private:
    RepositoryLock(const Repository& repository, LockFile lock, Access access,
                   std::chrono::milliseconds settle);
    void keep_alive();
    Result<void> look_again();
    /// Writes it anew, exclusive or not: the new file is there before the old one goes.
    Result<void> write_anew(bool exclusive);

    const Repository& repository_;
    Access access_;
    std::chrono::steady_clock::time_point settled_;
    bool checks_index_ = true;
    std::mutex confirming_;
    std::optional<Result<void>> confirmed_;
    std::mutex writing_;  ///< held while a file takes another's place; before the next
    mutable std::mutex mutex_;
    std::condition_variable ends_changed_;
    LockFile lock_;
    bool ends_ = false;
    std::thread thread_;
};

}  // namespace belay::backup
