#pragma once
// From a runbook to a plan, and what its plans are made of.

#include "operation/action.h"
#include "operation/runbook/runbook.h"
#include "operation/runbook/words.h"

namespace belay::operation::runbook {

/// Fills the variables in and returns the plan, which needs the file no more: also what it takes "from" other
/// files is in it. Reads the machine and changes nothing. Errors: usage (a value is missing, or not as its
/// pattern says, or there is no such variable; all of them in one sentence), those of reading a file.
/// Threads: any.
Result<Plan> make_plan(host::Host& host, const Runbook& runbook, const Values& given);

/// Adds the actions, conditions and the fingerprint that such plans name: "runbook.run", "runbook.run-once",
/// "runbook.write", "runbook.wait"; "runbook.holds", "runbook.programs"; "runbook.state".
void fill(Catalogue& catalogue);

}  // namespace belay::operation::runbook
