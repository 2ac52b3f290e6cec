#include "operation/state.h"

#include <doctest/doctest.h>
#include <string>

namespace belay::operation {
namespace {

TEST_CASE("each verb has a meaning in exactly the states that are written here")
{
    struct Row {
        State state;
        std::string_view verbs;
    };
    const Row rows[] = {
        {State::planned, "add abort "},
        {State::adding, "abort "},
        {State::added, "activate abort "},
        {State::activating, "abort timer "},
        {State::activated, "commit abort timer "},
        {State::committing, "abort "},
        {State::committed, ""},
        {State::aborting, ""},
        {State::aborted, ""},
        {State::held, "add activate commit abort clear "},
    };
    for (const Row& row : rows) {
        CAPTURE(name_of(row.state));
        std::string verbs;
        for (const Verb verb :
             {Verb::add, Verb::activate, Verb::commit, Verb::abort, Verb::clear, Verb::timer}) {
            if (has_meaning(row.state, verb)) verbs += std::string(name_of(verb)) + " ";
        }
        CHECK(verbs == row.verbs);
        CHECK(is_ended(row.state) == (row.state == State::committed || row.state == State::aborted));
    }
}

TEST_CASE("every state and every verb is found by its name, and nothing else is")
{
    for (const char* name : {"planned", "adding", "added", "activating", "activated", "committing",
                             "committed", "aborting", "aborted", "held"})
        CHECK(name_of(state_named(name).value()) == name);
    for (const char* name : {"add", "activate", "commit", "abort", "clear", "timer"})
        CHECK(name_of(verb_named(name).value()) == name);
    CHECK(state_named("Held").error().kind == ErrorKind::corrupt);
    CHECK(verb_named("").error().kind == ErrorKind::usage);
}

}  // namespace
}  // namespace belay::operation
