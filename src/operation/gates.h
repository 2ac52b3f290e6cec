#pragma once
// Gates that a person writes as text: a command, a TCP connection, an HTTP request.

#include "operation/action.h"

#include <string_view>

namespace belay::operation {

/// "command:PROGRAM ARGUMENT..." (split at blanks, no shell), "tcp:HOST:PORT", "http://..." or "https://...".
/// Asked every third of the grace, but every 1..10 s. Errors: usage, with the forms that there are.
Result<Gate> parse_gate(std::string_view text, Milliseconds grace);

/// How often a gate of that grace is asked: as above.
void pace(Gate& gate, Milliseconds grace);

/// "gate.command" {argv}, "gate.tcp" {host, port} and "gate.http" {url}: the conditions behind them.
void add_gate_conditions(Catalogue& catalogue);

}  // namespace belay::operation
