#pragma once
// INVARIANT: a programming error ends the process, in every build. What the world can do is a Result instead.

namespace belay {

/// Prints the failed expression with its place to standard error and aborts.
[[noreturn]] void invariant_failed(const char* expression, const char* file, int line);

}  // namespace belay

#define INVARIANT(expression) \
    (static_cast<bool>(expression) ? void(0) : ::belay::invariant_failed(#expression, __FILE__, __LINE__))
