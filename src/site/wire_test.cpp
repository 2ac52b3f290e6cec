#include "site/wire.h"

#include <doctest/doctest.h>

namespace belay::site {
namespace {

using namespace std::string_literals;

TEST_CASE("messages come out whole, however the bytes come in")
{
    const std::string bytes = "{\"a\":1}\0{}\0"s;
    Framer at_once;
    REQUIRE(at_once.feed(bytes));
    CHECK(at_once.take() == "{\"a\":1}");
    CHECK(at_once.take() == "{}");
    CHECK(!at_once.take());
    CHECK(at_once.empty());

    Framer one_by_one;
    std::vector<std::string> taken;
    for (const char byte : bytes) {
        REQUIRE(one_by_one.feed({&byte, 1}));
        if (const auto message = one_by_one.take()) taken.push_back(*message);
    }
    CHECK(taken == std::vector<std::string>{"{\"a\":1}", "{}"});
}

TEST_CASE("a message of exactly the limit is taken, one byte more is refused")
{
    Framer framer;
    REQUIRE(framer.feed(std::string(max_message_bytes, 'x')));
    CHECK(!framer.take());
    REQUIRE(framer.feed("\0"s));
    CHECK(framer.take()->size() == max_message_bytes);

    Framer too_much;
    REQUIRE(too_much.feed(std::string(max_message_bytes, 'x')));
    CHECK(too_much.feed("x").error().kind == ErrorKind::corrupt);
}

TEST_CASE("a request that is written can be read")
{
    const std::string message = request_message({"Watch", {{"operation", "7"}}, true});
    REQUIRE(message.back() == '\0');
    const Request read = *parse_request(std::string_view(message).substr(0, message.size() - 1));
    CHECK(read.method == "Watch");
    CHECK(read.parameters == Json{{"operation", "7"}});
    CHECK(read.more);
}

TEST_CASE("what is no request is corrupt; a method of another interface is not here")
{
    for (const char* text : {"", "{", "[]", "7", "{}", R"({"method":7})", R"({"method":""})",
                             R"({"method":"org.belay.v1.Show","parameters":[1]})",
                             R"({"method":"org.belay.v1.Show","more":"yes"})"}) {
        CAPTURE(text);
        CHECK(parse_request(text).error().kind == ErrorKind::corrupt);
    }
    CHECK(parse_request(R"({"method":"org.varlink.service.GetInfo"})").error().kind == ErrorKind::not_found);
    CHECK(parse_request(R"({"method":"Show"})").error().kind == ErrorKind::not_found);
}

TEST_CASE("an error comes over the wire as it was")
{
    const Error sent{.kind = ErrorKind::failed,
                     .what = "mdadm said no",
                     .next = "belay show 7",
                     .argv = {"mdadm", "--stop"},
                     .exit_code = 2,
                     .output = "busy \xff"};
    std::string message = error_message(sent);
    message.pop_back();
    CHECK(message.starts_with(R"({"error":"org.belay.v1.failed")"));
    const Error got = parse_answer(message).error();
    CHECK(got.kind == sent.kind);
    CHECK(got.what == sent.what);
    CHECK(got.next == sent.next);
    CHECK(got.argv == sent.argv);
    CHECK(got.exit_code == 2);
    CHECK(got.output == "busy \xef\xbf\xbd");
}

}  // namespace
}  // namespace belay::site
