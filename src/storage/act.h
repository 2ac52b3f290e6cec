#pragma once
// How the storage domain hands its actions to a procedure: the name and arguments that go into the plan, and
// the commands as a person would type them, made by the same functions that run them.

#include "operation/action.h"

namespace belay::storage {

/// One action with its arguments, ready to become a step.
struct Act {
    std::string action;
    operation::Json arguments;
    std::vector<std::string> commands;
    std::vector<std::string> undo_commands = {};
};

}  // namespace belay::storage
