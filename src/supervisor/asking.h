#pragma once
// Finds out how an application is, and whether what it waits for is there.

#include "framework/supervision/application.h"
#include "host/application/launch.h"

namespace belay::supervisor {

/// An error is a bad answer; its text says what is wrong. Takes up to the question's time-out. `running` and
/// `notify` are no questions to be asked. Commands are run by that account; nothing: by ours. Threads: any,
/// many at once.
Result<void> ask(const framework::supervision::Question& question,
                 const std::optional<host::Account>& account);

/// Runs a command of an application to its end; one that takes longer than the limit is ended by force, with
/// what it has started. Errors: failed (it ended with something else than 0), timeout, those of launch().
/// Threads: any, many at once.
Result<void> run_command(const std::vector<std::string>& argv, const std::optional<host::Account>& account,
                         Milliseconds limit);

/// Whether all of them are there; an error says what is not. Takes up to a second for each port. `wall`: now.
/// Threads: any, many at once.
Result<void> look_at(const std::vector<framework::supervision::Gate>& gates, Milliseconds wall);

}  // namespace belay::supervisor
