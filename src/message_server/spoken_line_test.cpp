#include "message_server/spoken_line.h"

#include "base/testing/must.h"
#include "message_server/lines.h"

#include <doctest/doctest.h>
#include <vector>

namespace belay::message_server {
namespace {

using framework::messages::Message;

const Message speaker{.at = Milliseconds(1'790'000'000'000),
                      .host = "web1",
                      .application = "stat server",
                      .attributes = {{"user", "anna"}}};

TEST_CASE("a line says what, and not who: that is known from elsewhere")
{
    const Message said =
        must(
            read_spoken(
                R"({"id":"20-00010","level":"alarm","text":"x","host":"other","application":"licence server",)"
                R"("interaction":"call 7","attributes":{"port":7260,"user":"root"}})",
                speaker))
            .message;
    CHECK(said.host == "web1");
    CHECK(said.application == "stat server");
    CHECK(said.attributes.at("user") == "anna");
    CHECK(said.attributes.at("port") == "7260");
    CHECK(said.interaction == "call 7");
    CHECK(said.level == framework::messages::Level::alarm);
    CHECK(said.at == speaker.at);
}

TEST_CASE("whether a line says its level is known, for an event has one of its own")
{
    CHECK(must(read_spoken(R"({"id":"20-00010","level":"standard"})", speaker)).has_level);
    CHECK(!must(read_spoken(R"({"id":"20-00010"})", speaker)).has_level);
    CHECK(!must(read_spoken(R"({"id":"20-00010","level":null})", speaker)).has_level);
    CHECK(!must(read_spoken("20-00010", speaker)).has_level);
}

TEST_CASE("nobody speaks with an id of Belay's own, or at another day")
{
    const Message own = must(read_spoken(R"({"id":"02-00020","text":"x"})", speaker)).message;
    CHECK(to_text(own.id) == "00-00000");
    CHECK(own.attributes.at("claimed_id") == "02-00020");
    const Message near = must(read_spoken(R"({"text":"x","at_ms":1789999990000})", speaker)).message;
    CHECK(near.at == Milliseconds(1'789'999'990'000));
    for (const char* far : {"0", "-9223372036854775808", "9223372036854775807", "1899999990000"}) {
        const std::string line = fmt::format(R"({{"text":"x","at_ms":{}}})", far);
        CHECK(must(read_spoken(line, speaker)).message.at == speaker.at);
    }
}

TEST_CASE("a line that is no object is a text; one that is broken is refused with the reason")
{
    const Message text = must(read_spoken("it works \xff now", speaker)).message;
    CHECK(text.text == "it works \xef\xbf\xbd now");
    CHECK(text.level == framework::messages::Level::standard);
    CHECK(!read_spoken("{", speaker));
    CHECK(!read_spoken(R"({"text":7})", speaker));
    CHECK(!read_spoken(std::string(100'000, '{'), speaker));
    CHECK(must(read_spoken(R"({"sync":7})", speaker)).sync == 7);
    for (const char* line : {R"({"sync":-1})", R"({"sync":"7"})", R"({"sync":1.5})", R"({"sync":1e300})",
                             R"({"sync":18446744073709551615})", R"({"sync":null})"})
        CHECK(!read_spoken(line, speaker));
}

TEST_CASE("lines are cut however they come; what is too long is skipped and counted")
{
    LineRoom room;
    Lines lines(room);
    std::vector<std::string> got;
    const auto take = [&](std::string_view line) { got.emplace_back(line); };
    for (const char byte : std::string_view("one\r\n\n\ntwo\nthr")) lines.feed({&byte, 1}, take);
    lines.finish(take);
    CHECK(got == std::vector<std::string>{"one", "two", "thr"});
    got.clear();
    const std::string mebibyte(1 << 20, 'm');
    for (int i = 0; i < 5; ++i) lines.feed(mebibyte, take);
    CHECK(room.left == LineRoom().left);
    lines.feed("\nafter\n", take);
    CHECK(got == std::vector<std::string>{"after"});
    CHECK(lines.take_skipped() == 1);
    CHECK(lines.take_skipped() == 0);
    lines.feed(mebibyte + "\n", take);
    CHECK(got.back() == mebibyte);
}

TEST_CASE("beginnings of long lines share a room: who finds none is skipped, a short line never is")
{
    LineRoom room{.left = 3 << 20};
    Lines first(room), second(room), third(room);
    std::vector<size_t> got;
    const auto take = [&](std::string_view line) { got.push_back(line.size()); };
    const std::string part(1 << 20, 'x');
    first.feed(part, take);
    second.feed(part, take);
    second.feed(part, take);
    third.feed(part, take);
    third.feed("\nshort\n", take);
    CHECK(third.take_skipped() == 1);
    second.feed("\n", take);
    third.feed(part, take);
    third.feed("\n", take);
    first.feed("\n", take);
    CHECK(got == std::vector<size_t>{5, 2 << 20, 1 << 20, 1 << 20});
    CHECK(room.left == 3 << 20);
}

}  // namespace
}  // namespace belay::message_server
