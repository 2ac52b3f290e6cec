#include "backup/maintenance/forgetting.h"

namespace belay::backup {

Result<void> still_held(const RepositoryLock& lock)
{
    if (lock.is_held()) return {};
    return fail(
        ErrorKind::lost,
        "the lock of the repository could not be written anew for too long, and others may work in it: "
        "nothing more is removed",
        "see that the repository can be reached, and run it again");
}

Result<void> forget_snapshots(const Repository& repository, const RepositoryLock& lock,
                              std::span<const Id> snapshots, const std::function<void(const Id&)>& removed)
{
    for (const Id& id : snapshots) {
        TRY(still_held(lock));
        TRY(repository.backend().remove({FileKind::snapshot, id}));
        removed(id);
    }
    return {};
}

}  // namespace belay::backup
