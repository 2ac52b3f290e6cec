#pragma once
// The life of an operation, and what a person may ask in each state. The table in state.cpp is the whole
// truth.

#include "base/result.h"

#include <string_view>

namespace belay::operation {

enum class State {
    planned,
    adding,
    added,
    activating,
    activated,
    committing,
    committed,
    aborting,
    aborted,
    held,  ///< a person must decide
};
std::string_view name_of(State state);
/// Errors: corrupt.
Result<State> state_named(std::string_view name);

/// No engine and no person moves it any more.
constexpr bool is_ended(State state)
{
    return state == State::committed || state == State::aborted;
}

enum class Verb { add, activate, commit, abort, clear, timer };
std::string_view name_of(Verb verb);
/// Errors: usage.
Result<Verb> verb_named(std::string_view name);

/// Whether a verb has a meaning in a state. Two cases depend on more, and Operation::allows() looks at it:
/// what was begun past a one-way step cannot be aborted, and a held operation goes on in the direction in
/// which it was going.
bool has_meaning(State state, Verb verb);

}  // namespace belay::operation
