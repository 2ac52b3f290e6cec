#pragma once
// belay backup: reads its command line, and runs the command.

#include "cli/console.h"
#include "cli/invocation.h"

namespace belay::cli {

/// `words` are those after "backup"; the exit code, as restic's.
int run_backup(const std::vector<std::string>& words, Console& console);

/// Every command of `belay backup`, as "backup ls", with its options.
std::vector<CommandWords> backup_command_words();

}  // namespace belay::cli
