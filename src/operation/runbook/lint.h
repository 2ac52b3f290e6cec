#pragma once
// What is wrong with a runbook as a whole, and what is right and yet not wise.

#include "operation/runbook/runbook.h"
#include "operation/runbook/words.h"

namespace belay::operation::runbook {

void lint(const Runbook& runbook, std::vector<Problem>& problems);

}  // namespace belay::operation::runbook
