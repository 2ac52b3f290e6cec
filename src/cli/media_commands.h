#pragma once
// belay media: the accounts of this machine's media server, and what it does.

#include "cli/console.h"
#include "cli/invocation.h"

namespace belay::cli {

/// Whether it is one of these commands.
bool is_of_media(Command command);

/// Carries it out; the exit code. Errors: those of site/media; unavailable, where the server does not run.
Result<int> media_command(const Invocation& asked, Console& console, const Style& style);

}  // namespace belay::cli
