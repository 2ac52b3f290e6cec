#pragma once
// Operations as text: one in full, many as a list, its timer, its journal, the audit.

#include "base/json.h"
#include "cli/style.h"

namespace belay::cli {

// Views are those of operation::View's to_json. All texts end with a line end.

/// Type, state, last operation, completed steps with start times, transitions, timer, members, gates and the
/// commands that lead on; of an upgrade what its members run, by the `pairs` that were put into the view.
std::string operation_text(const Style& style, const Json& view);

/// A line for each; `empty` where there is none.
std::string operations_text(const Style& style, const Json& views, std::string_view empty);

/// What was begun or ended last: "Add the new disk as a third leg (44 s)". No line end.
std::string last_operation_text(const Style& style, const Json& view);

/// "1 h 43 min left of 2 h, then it aborts by itself", "stopped with 2 h left", "not started". `passed` since
/// the view was made. No line end.
std::string timer_text(const Json& view, Milliseconds passed);

/// The commands that lead on, each with what it does.
std::string ways_on_text(const Style& style, const Json& view);

/// How an operation that rests came out: its state and reason, its failures, what an abort did not put back,
/// the ways on.
std::string ending_text(const Style& style, const Json& view);

std::string journal_text(const Style& style, const Json& records);
std::string audit_text(const Style& style, const Json& entries);

/// Whether the engine works on it now: adding, activating, committing, aborting, or the soak of a one-shot.
bool goes_on_by_itself(const Json& view);

Tone tone_of_state(const std::string& state);

}  // namespace belay::cli
