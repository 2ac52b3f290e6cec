#pragma once
// The machine that this process runs on.

#include "host/host.h"

#include <memory>
#include <optional>

namespace belay::host {

/// `inherited_lock`: the descriptor (3 or more) of an empty file that the caller holds by flock(2). Every
/// command inherits it, so that after this process was killed its successor cannot take the lock before the
/// commands that it had started have ended as well: nobody plans on a machine that is still being changed.
/// The lock is the child's standard input, where an empty file reads as no input, or its descriptor 3 where
/// the command has input: LVM's tools close every other descriptor and complain about it. A child that gives
/// its own child another standard input, or becomes a daemon, lets go of it there. The caller opens it
/// O_CLOEXEC and releases it by closing, never by LOCK_UN, which would release it for the commands too. Not
/// owned; it stays open as long as commands are started.
///
/// replace() writes to ".<name>.belay" beside the file, so one process at a time may replace a given file.
std::unique_ptr<Host> real_host(std::optional<int> inherited_lock = std::nullopt);

}  // namespace belay::host
