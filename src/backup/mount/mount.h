#pragma once
// A repository in a folder of this machine, to be read with any program, by libfuse.

#include "backup/mount/mounted_view.h"

namespace belay::backup {

struct MountOptions {
    std::string folder;
    bool allow_other = false;          ///< other users see it
    bool ignores_permissions = false;  ///< of files in snapshots: whoever sees it may read all
    bool owner_root = false;           ///< everything belongs to root
};

/// Threads: serve() by one, stop() by any.
class Mount {
  public:
    /// Mounts. `snapshots` are sorted by time; `read_again` is what is looked at for newer ones, as
    /// MountedView has it. Errors: usage, where the folder is none; failed, where FUSE says no.
    static Result<std::unique_ptr<Mount>> make(Repository& repository, std::vector<Snapshot> snapshots,
                                               ReadSnapshots read_again, const MountOptions& options);
    virtual ~Mount() = default;

    /// Answers until somebody unmounts the folder, or stop() is called. Errors: failed.
    virtual Result<void> serve() = 0;
    /// Unmounts; programs that have files of it open keep them until serve() returns.
    virtual void stop() = 0;
};

}  // namespace belay::backup
