#include "framework/messages/own_events.h"

#include <doctest/doctest.h>

namespace belay::framework::messages {
namespace {

TEST_CASE("each event of Belay's own has an id of its own among components 01 to 09, in order")
{
    EventId before;
    for (const OwnEvent& event : own_events()) {
        INFO(to_text(event.id));
        CHECK(event.id > before);
        CHECK(event.id.component >= 1);
        CHECK(event.id.component <= 9);
        CHECK(!event.text.empty());
        before = event.id;
    }
}

TEST_CASE("an event's text is filled in with its attributes; what there is none for stays as it stands")
{
    CHECK(filled_in("{a} and {b}{a}", {{"a", "{b}"}, {"b", "2"}}) == "{b} and 2{b}");
    CHECK(filled_in("{c} {", {{"a", "1"}}) == "{c} {");
    CHECK(filled_in("} {a", {{"a", "1"}}) == "} {a");
    const Message said = own_message(own::application_failed,
                                     {{"application", "pinger"}, {"reason", "exit code 3"}}, Milliseconds(7));
    CHECK(said.text == "pinger has failed: exit code 3");
    CHECK(said.application == "pinger");
    CHECK(said.level == Level::alarm);
    CHECK(said.at == Milliseconds(7));
    CHECK(to_text(said.id) == "03-00020");
}

}  // namespace
}  // namespace belay::framework::messages
