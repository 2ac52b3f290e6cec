#pragma once
// `belay login` and `belay logout`: a person's session with a site.

#include "cli/console.h"
#include "cli/invocation.h"
#include "cli/network.h"

namespace belay::cli {

/// The exit code.
Result<int> log_in(const Invocation& asked, Console& console, const Style& style, const Network& network);
Result<int> log_out(const Invocation& asked, Console& console, const Network& network);

/// A client with the session that this person has with a site. Errors: not_found, permission (no session),
/// corrupt.
Result<std::unique_ptr<site::Client>> connect_to_site(const std::string& name, const Network& network);

/// Asks for a password without showing it, or reads it from standard input where nobody can be asked; twice
/// where it is a new one. Errors: usage (none, or they differ).
Result<std::string> read_password(Console& console, const std::string& whose, bool is_new);

}  // namespace belay::cli
