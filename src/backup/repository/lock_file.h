#pragma once
// A file under locks/: who is at work in a repository.
// Source: restic's design document, "Locks".

#include "backup/repository/id.h"
#include "backup/repository/timestamp.h"

namespace belay::backup {

struct LockFile {
    /// After this time without being written anew a lock counts as left behind.
    static constexpr std::chrono::minutes grows_stale{30};

    Id id;  ///< of the file; not in it
    Timestamp time;
    bool exclusive = false;
    std::string hostname, username;
    int64_t pid = 0;
    uint32_t uid = 0, gid = 0;

    /// Of this process, now.
    static LockFile of_this_process(bool exclusive);

    /// Whether its owner is gone: it is too old, or of this host and no such process runs.
    bool is_stale(const Timestamp& now) const;
    /// "PID 4711 on host by user, since 2026-11-26T10:15:00Z"
    std::string owner() const;

    /// Errors: corrupt.
    static Result<LockFile> from_text(std::string_view text);
    std::string to_text() const;
};

}  // namespace belay::backup
