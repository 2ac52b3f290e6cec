#pragma once
// A plan as a person reads it before deciding: all that will be done, as one would type it, and all that
// cannot be undone.

#include "base/json.h"
#include "cli/style.h"

namespace belay::cli {

/// `answer` is that of the method Plan: {plan, findings, refused, operation}. `one_shot` changes what is said
/// of the way back. Ends with a line end.
std::string plan_text(const Style& style, const Json& answer, bool one_shot);

/// Whether the plan has nothing to do, for what is asked for is so already; and a line that says so.
bool is_so_already(const Json& answer);
std::string so_already_text(const Style& style, const Json& answer);

/// Findings (of checks, or of gates) as a list; what was wanted and how to mend it where one did not pass.
std::string findings_text(const Style& style, const Json& findings, size_t indent);

/// The findings of a plan or an operation that did not pass: what is worth saying of them afterwards.
Json doubtful_findings(const Json& of);

/// The mark of a verdict, in its colour.
std::string verdict_mark(const Style& style, const std::string& verdict);

}  // namespace belay::cli
