#include "framework/messages/message.h"

#include "base/testing/must.h"

#include <doctest/doctest.h>

namespace belay::framework::messages {
namespace {

const Message plain{.id = {.component = 20, .number = 10},
                    .level = Level::standard,
                    .at = Milliseconds(1'790'000'000'123),
                    .host = "web1",
                    .application = "stat server",
                    .text = "listens at port 7260",
                    .attributes = {{"port", "7260"}}};

TEST_CASE("an event id has the form NN-NNNNN, and nothing else is one")
{
    CHECK(to_text(EventId{.component = 1, .number = 12}) == "01-00012");
    CHECK(must(parse_event_id("01-00012")) == EventId{.component = 1, .number = 12});
    CHECK(must(parse_event_id("99-99999")) == EventId{.component = 99, .number = 99'999});
    for (const char* text :
         {"", "-", "1-", "-1", "100-1", "1-100000", "1--1", "+1-1", "1- 1", "a-b", "1-1x"}) {
        INFO(text);
        CHECK(parse_event_id(text).error().kind == ErrorKind::usage);
    }
}

TEST_CASE(
    "a message that was written is read as it was, with the time and host of who has taken it where it "
    "says none")
{
    const Json json = plain;
    CHECK(must(read_message(json, {})) == plain);
    const Message taken{.at = Milliseconds(5), .host = "db1", .application = "pinger"};
    const Message read = must(read_message(Json{{"id", "20-00001"}, {"text", "x"}}, taken));
    CHECK(read.at == Milliseconds(5));
    CHECK(read.host == "db1");
    CHECK(read.application == "pinger");
    CHECK(must(read_message(Json{{"attributes", {{"port", 7260}, {"up", true}}}}, {})).attributes ==
          std::map<std::string, std::string>{{"port", "7260"}, {"up", "true"}});
}

TEST_CASE("what is no message is refused by the name of the field")
{
    CHECK(read_message(Json::array(), {}).error().what == "a message is a table");
    CHECK(read_message(Json{{"id", 7}}, {}).error().what == "the message's \"id\" is no text");
    CHECK(read_message(Json{{"level", "loud"}}, {}).error().what ==
          "there is no level \"loud\"; there are alarm, standard, interaction, trace, debug");
    CHECK(read_message(Json{{"at_ms", "now"}}, {}).error().what == "the message's \"at_ms\" is no number");
    CHECK(read_message(Json{{"attributes", 1}}, {}).error().what ==
          "the message's \"attributes\" are no table");
}

TEST_CASE("a message of a megabyte is kept whole; what is longer than any limit is cut at a character")
{
    Message message = plain;
    message.text = std::string(1 << 20, 'x');
    fit(message);
    CHECK(message.text.size() == 1 << 20);
    message.text = std::string(MessageLimits::text - 1, 'x') + "\xc3\xa9 and more";
    message.host = std::string(300, 'h');
    for (int i = 0; i < 100; ++i) message.attributes[std::to_string(i)] = std::string(100'000, 'v');
    fit(message);
    CHECK(message.text.size() == MessageLimits::text - 1);
    CHECK(message.host.size() == MessageLimits::name);
    CHECK(message.attributes.size() == MessageLimits::attributes);
    CHECK(message.attributes.begin()->second.size() == MessageLimits::attribute);
    message.text = "a\xffz";
    fit(message);
    CHECK(message.text == "a\xef\xbf\xbdz");
}

}  // namespace
}  // namespace belay::framework::messages
