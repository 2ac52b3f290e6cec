#pragma once
// belay storage esp-sync: on this machine itself, without a daemon, for it runs in the hooks of packages.

#include "base/json.h"
#include "cli/console.h"
#include "cli/invocation.h"
#include "cli/style.h"

namespace belay::cli {

/// Syncs, or with --dry-run says what it would do. Exit code 1: a copy is missing or could not be written;
/// with
/// --dry-run: one is not up to date. Errors: those of storage::esp::sync_copies; permission.
Result<int> esp_sync(const Invocation& asked, Console& console, const Style& style);

/// What a person reads of the report, as storage::esp::json_of made it.
std::string esp_sync_text(const Style& style, const Json& report, bool dry_run);

}  // namespace belay::cli
