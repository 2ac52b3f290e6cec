#pragma once
// belay image: images and the library of this host, without a daemon.

#include "cli/console.h"
#include "cli/invocation.h"

namespace belay::cli {

/// Whether it is one of these commands.
bool is_of_images(Command command);

/// Carries it out; the exit code, 128 + signal where one ended it. Errors: those of upgrade/image.
Result<int> image_command(const Invocation& asked, Console& console, const Style& style);

}  // namespace belay::cli
