#pragma once
// belay config check: what is wrong with a file that describes a whole site. No daemon is asked.

#include "cli/console.h"
#include "cli/invocation.h"

namespace belay::cli {

/// The exit code. Errors: those of reading the file.
Result<int> config_check(const Invocation& asked, Console& console, const Style& style);

/// A file with a configuration, or standard input where it is called "-". Errors: not_found, permission, io;
/// usage, where it is longer than the daemon takes.
Result<std::string> read_configuration(const std::string& path, Console& console);

}  // namespace belay::cli
