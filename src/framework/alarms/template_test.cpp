#include "framework/alarms/template.h"

#include "base/utf8.h"

#include <doctest/doctest.h>

namespace belay::framework::alarms {
namespace {

const std::map<std::string, std::string, std::less<>> values = {
    {"alarm", "disk-full"}, {"host", "h1"}, {"text", "{host} {{ {text} \r\nBcc: x"}, {"empty", ""}};

TEST_CASE("names in braces are filled in, and everything else stays")
{
    CHECK(filled("{alarm} on {host}.", values) == "disk-full on h1.");
    CHECK(filled("", values).empty());
    CHECK(filled("{empty}{host}{empty}", values) == "h1");
    for (const char* text :
         {"no braces", "{", "}", "{}", "{ host }", "{unknown}", "{host", "{\n}", "a { b } c"}) {
        CHECK(filled(text, values) == text);
    }
    CHECK(filled("{{host}", values) == "{host}");
    CHECK(filled("{{{host}}", values) == "{h1}");
    CHECK(filled("{unknown {host}", values) == "{unknown h1");
}

TEST_CASE("a value is never read again, whatever is in it")
{
    CHECK(filled("<{text}>", values) == "<{host} {{ {text} \r\nBcc: x>");
}

TEST_CASE("what comes out is bounded, and no character is cut in two")
{
    const std::map<std::string, std::string, std::less<>> large = {
        {"x", std::string(40 << 10, 'x') + "\xc3\xa4"}, {"y", "\xe2\x82\xac"}};
    CHECK(filled("{x}{x}{x}{x}", large).size() <= most_filled);
    std::string text;
    for (int i = 0; i < 40'000; ++i) text += "{y}";
    const std::string result = filled(text, large);
    CHECK(result.size() > most_filled - 4);
    CHECK(result.size() <= most_filled);
    CHECK(is_utf8(result));
}

}  // namespace
}  // namespace belay::framework::alarms
