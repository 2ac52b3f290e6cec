#pragma once
// Libraries that read filesystems were written for those that are sound: one that was damaged by chance or by
// design may end the process. So they work in a child, and their end is an error here.

#include "backup/block/filesystems.h"

#include <functional>

namespace belay::backup {

/// What `work` returns, done in a child of this process. Errors: those of `work`; corrupt, where the child
/// ends by a signal, or does not end within ten minutes; those of the system. Threads: any.
Result<Used> isolated(const std::string& path, const std::function<Result<Used>()>& work);

}  // namespace belay::backup
