#pragma once
// Runbooks as a face shows them: the file, and what is wrong with it.

#include "base/json.h"
#include "cli/style.h"
#include "operation/runbook/runbook.h"

namespace belay::cli {

/// The text of a runbook's file. Errors: not_found, permission, io, usage (more than 1 MiB, a folder).
Result<std::string> read_runbook_file(const std::string& path);

/// What lint says: a line for each problem that a compiler's reader understands, then what the runbook is and
/// what it wants to be told.
std::string lint_text(const Style& style, const std::string& file, const operation::runbook::Linted& linted);
/// The same as data.
Json lint_json(const std::string& file, const operation::runbook::Linted& linted);

}  // namespace belay::cli
