#include "operation/runbook/words.h"

#include "base/json.h"
#include "operation/runbook/pattern.h"

#include <doctest/doctest.h>

namespace belay::operation::runbook {
namespace {

TEST_CASE("a value goes into a text as it is")
{
    const Values values = {{"a", "x y;${b}"}, {"b", "no"}};
    CHECK(filled_text("-${a}-", values) == "-x y;${b}-");
    CHECK(filled_text("${a}${b}", values) == "x y;${b}no");
    CHECK(filled_text("$a $ {a} $", values) == "$a $ {a} $");
    CHECK(filled_text("$${Version}${b}", values) == "${Version}no");
    CHECK(filled_text("", values) == "");
    CHECK(!filled_text("${c}", values));
    CHECK(!filled_text("${a", values));
    CHECK(variables_in("${a} $${b} ${c}") == std::vector<std::string>{"a", "c"});
}

TEST_CASE("what was remembered takes its place later, and no value can take it before")
{
    const Values values = {{"a", "${remembered}"}};
    const Json word = *filled("${a}=${remembered};", values);
    CHECK(with_remembered(word, "7") == "${remembered}=7;");
    CHECK(with_remembered("plain", "7") == "plain");
    CHECK(!filled_text("${remembered}", values));
    CHECK_THROWS_AS(with_remembered(Json(7), ""), Json::exception);
}

TEST_CASE("a pattern is one of grep -E, for a whole value or a line of output")
{
    CHECK(*matches_whole("[a-z]+|[0-9]+", "123"));
    CHECK(!*matches_whole("[a-z]+|[0-9]+", "123a"));
    CHECK(!*matches_whole("[a-z]+", "a\nb"));
    CHECK(*matches_whole("", ""));
    CHECK(*found_in_a_line("^b$", "a\nb\nc"));
    CHECK(!*found_in_a_line("^ab", "a\nb"));
    for (const char* bad : {"(", "[", "a{2,1}", "(a)\\1", "((a{50}){50})", "a{99999999999999999999}"})
        CHECK_MESSAGE(!check_pattern(bad), bad);
    CHECK(!check_pattern(std::string(501, 'a')));
}

}  // namespace
}  // namespace belay::operation::runbook
