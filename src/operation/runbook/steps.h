#pragma once
// Reading the steps of a runbook.

#include "operation/runbook/document.h"
#include "operation/runbook/runbook.h"

namespace belay::operation::runbook {

/// A step with all that can be said about it alone.
StepEntry read_step(const Node& node, std::vector<Problem>& problems);

/// Whether a text is made of small letters, digits and these marks, and begins with none of them.
bool is_name(std::string_view text, std::string_view marks);

}  // namespace belay::operation::runbook
