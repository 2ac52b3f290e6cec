#pragma once
// How a domain hands its actions to a procedure: the name and arguments that go into the plan, and the
// commands as a person would type them, made by the same functions that run them.

#include "operation/action.h"

namespace belay::operation {

/// One action with its arguments, ready to become a step.
struct Act {
    std::string action;
    Json arguments;
    std::vector<std::string> commands;
    std::vector<std::string> undo_commands = {};
};

}  // namespace belay::operation
