#pragma once
// The command: from words to what is said and the exit code.

#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/invocation.h"
#include "cli/network.h"
#include "site/client.h"

#include <functional>
#include <memory>

namespace belay::cli {

/// To the daemon of this machine.
using Connect = std::function<Result<std::unique_ptr<site::Client>>(const Invocation&)>;

/// Does what the words (without the program's name) ask for. The result is the exit code of the process: an
/// ExitCode, or 128 + signal.
int run(const std::vector<std::string>& words, Console& console, const Connect& connect,
        const Network& network = {});

}  // namespace belay::cli
