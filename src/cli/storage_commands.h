#pragma once
// belay storage show, health and record.

#include "base/json.h"
#include "cli/console.h"
#include "cli/invocation.h"
#include "site/client.h"

#include <functional>

namespace belay::cli {

/// Asks for a view of the storage by its method, as "StorageShow".
using AskView = std::function<Result<Json>(std::string_view method, const Json& parameters)>;

/// Answers from the daemon. Errors: its own; unavailable, where a recording does not come whole.
AskView ask_daemon(site::Client& client);

/// Answers from a recording instead of from this machine. Errors: not_found, corrupt, naming the file.
Result<AskView> ask_recording(const std::string& path);

/// Carries out one of the storage commands; the exit code. Errors: those of `ask`; io, and refused where the
/// file of a recording is there already.
Result<int> storage_command(const Invocation& asked, Console& console, const Style& style,
                            const AskView& ask);

}  // namespace belay::cli
