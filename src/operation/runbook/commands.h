#pragma once
// What the steps of a runbook run and ask, made from their arguments in the plan. The plan shows the commands
// that these functions give, and the actions run them.

#include "operation/action.h"
#include "operation/runbook/words.h"

namespace belay::operation::runbook {

/// Fills in what a step shows to a person: its commands, and those of its way back.
void show_commands(Step& step);
void show_write(Step& step);
void show_wait(Step& step);

/// The command of a step, and the one that undoes it; nothing where it has none. A step that writes and has
/// no "undo" runs its "run" once more.
std::optional<host::Command> run_command(const Json& arguments);
std::optional<host::Command> undo_command(const Json& arguments, std::string_view remembered);

struct Answer {
    bool yes = false;
    std::string found = {};  ///< a few words for a person
    std::string wanted = {};
};
/// Asks a command whose answer is yes or no. Errors: those of running it, usage (a bad pattern).
Result<Answer> ask(host::Host& host, const Json& probe, std::string_view remembered = {});

/// What a step's "remember" gives, as text; empty where it has none. Errors: those of running it.
Result<std::string> ask_to_remember(host::Host& host, const Json& arguments);
/// What was kept of it.
std::string remembered_text(const Json& remembered);

/// What a command did may be in the kernel's memory alone, and nobody knows where: all of it goes to the
/// disks. It takes as long as they need for all that is to be written on the host. Errors: those of sync(1).
Result<void> sync_all(host::Host& host);

/// Each action of a runbook by a name, for the catalogue.
std::unique_ptr<Action> run_action(Repeat repeat);
std::unique_ptr<Action> write_action();
std::unique_ptr<Action> wait_action();

}  // namespace belay::operation::runbook
