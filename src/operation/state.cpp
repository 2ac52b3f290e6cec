#include "operation/state.h"

namespace belay::operation {
namespace {

constexpr std::string_view state_names[] = {"planned",    "adding",    "added",    "activating", "activated",
                                            "committing", "committed", "aborting", "aborted",    "held"};
constexpr std::string_view verb_names[] = {"add", "activate", "commit", "abort", "clear", "timer"};

// clang-format off
constexpr bool table[10][6] = {
    //                add    activate commit abort  clear  timer
    /* planned    */ {true,  false,   false, true,  false, false},
    /* adding     */ {false, false,   false, true,  false, false},
    /* added      */ {false, true,    false, true,  false, false},
    /* activating */ {false, false,   false, true,  false, true},
    /* activated  */ {false, false,   true,  true,  false, true},
    /* committing */ {false, false,   false, true,  false, false},
    /* committed  */ {false, false,   false, false, false, false},
    /* aborting   */ {false, false,   false, false, false, false},
    /* aborted    */ {false, false,   false, false, false, false},
    /* held       */ {true,  true,    true,  true,  true,  false},
};
// clang-format on

}  // namespace

std::string_view name_of(State state)
{
    return state_names[static_cast<size_t>(state)];
}

Result<State> state_named(std::string_view name)
{
    for (size_t i = 0; i < std::size(state_names); ++i) {
        if (state_names[i] == name) return static_cast<State>(i);
    }
    return fail(ErrorKind::corrupt, fmt::format("no state of an operation is called \"{}\"", name));
}

std::string_view name_of(Verb verb)
{
    return verb_names[static_cast<size_t>(verb)];
}

Result<Verb> verb_named(std::string_view name)
{
    for (size_t i = 0; i < std::size(verb_names); ++i) {
        if (verb_names[i] == name) return static_cast<Verb>(i);
    }
    return fail(ErrorKind::usage, fmt::format("an operation cannot be asked to \"{}\"", name));
}

bool has_meaning(State state, Verb verb)
{
    return table[static_cast<size_t>(state)][static_cast<size_t>(verb)];
}

}  // namespace belay::operation
