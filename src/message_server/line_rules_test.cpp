#include "message_server/line_rules.h"

#include "host/testing/scratch.h"

#include <doctest/doctest.h>

namespace belay::message_server {
namespace {

using framework::messages::CatalogueFault;
using framework::messages::Level;
using framework::messages::Message;
using framework::messages::MessageLimits;

/// The rules of a file, in which `wrong` are not to be used.
LineRules rules_of(std::string_view text, size_t wrong = 0)
{
    framework::messages::Catalogue catalogue;
    for (const auto& problem : catalogue.add("x.toml", text)) FAIL_CHECK(problem.what);
    std::vector<CatalogueFault> faults;
    LineRules rules(catalogue, faults);
    for (const CatalogueFault& fault : faults) INFO(fault.what);
    CHECK(faults.size() == wrong);
    return rules;
}

Message printed(std::string text, std::string application = "stat server 1")
{
    return {.level = Level::trace, .application = std::move(application), .text = std::move(text)};
}

const std::string sample = R"(
[message.20-00020]
level = "alarm"
text = "gives up: {reason}"

[[line]]
application = "stat server*"
pattern = 'call (?P<interaction>\d+) is answered( by (?P<agent>\w+))?$'
id = "20-00100"
level = "interaction"

[[line]]
application = "stat server 1"
pattern = '^FATAL:? (?P<reason>.*)'
id = "20-00020"

[[line]]
application = "*"
pattern = "(?i)warn"
level = "standard"
)";

TEST_CASE("a line becomes what the first rule says that it meets, with its groups as attributes")
{
    const LineRules rules = rules_of(sample);
    Message message = printed("12:00 call 8823 is answered by eva");
    CHECK(rules.apply(message));
    CHECK(to_text(message.id) == "20-00100");
    CHECK(message.level == Level::interaction);
    CHECK(message.interaction == "8823");
    CHECK(message.attributes == std::map<std::string, std::string>{{"agent", "eva"}});
    CHECK(message.text == "12:00 call 8823 is answered by eva");
    message = printed("call 8823 is answered");
    CHECK(rules.apply(message));
    CHECK(message.attributes.empty());
    // The level of the event, where the rule says none.
    message = printed("FATAL warn: no licence");
    CHECK(rules.apply(message));
    CHECK(message.level == Level::alarm);
    CHECK(message.attributes.at("reason") == "warn: no licence");
    // For another application that rule is not there.
    message = printed("FATAL warn: no licence", "stat server 2");
    CHECK(rules.apply(message));
    CHECK(message.id == framework::messages::EventId{});
    CHECK(message.level == Level::standard);
    message = printed("all is well");
    CHECK(!rules.apply(message));
    CHECK(message == printed("all is well"));
    CHECK(rules.concern("anything"));
    CHECK(!LineRules().concern("anything"));
    CHECK(!rules_of("[[line]]\napplication = 'a?'\npattern = 'x'\nlevel = 'trace'").concern("a"));
}

TEST_CASE("a pattern that is none is left out and said; the others count")
{
    framework::messages::Catalogue catalogue;
    REQUIRE(catalogue
                .add("x.toml",
                     "[[line]]\napplication = 'a'\npattern = '(x'\nlevel = 'alarm'\n"
                     "[[line]]\napplication = 'a'\npattern = '(x)\\1'\nlevel = 'alarm'\n"
                     "[[line]]\napplication = 'a'\npattern = '((((x{1000}){1000}){1000}){1000})'\nlevel = "
                     "'alarm'\n"
                     "[[line]]\napplication = 'a'\npattern = '((\\pL{90}){90})'\nlevel = 'alarm'\n"
                     "[[line]]\napplication = 'a'\npattern = '" +
                         std::string("()()()()()()()()()()()()()()()()()()()()()()()()()()()()()()()()()") +
                         "'\nlevel = 'alarm'\n"
                         "[[line]]\napplication = 'a'\npattern = 'x'\nlevel = 'trace'\n")
                .empty());
    std::vector<CatalogueFault> faults;
    const LineRules rules(catalogue, faults);
    REQUIRE(faults.size() == 5);
    CHECK(
        faults[0].what ==
        "x.toml:1: the pattern of the rule for lines is none: missing ): (x; patterns are written as RE2 has "
        "them, a group with a name as (?P<name>...)");
    CHECK(faults[3].what.starts_with("x.toml:13: the pattern of the rule for lines is none: "));
    CHECK(faults[4].what.find("has 33 groups, and at most 32") != std::string::npos);
    Message message = printed("x", "a");
    CHECK(rules.apply(message));
    CHECK(message.level == Level::trace);
}

TEST_CASE(
    "what would take others for ever is over in no time, and what is taken out of a line is within all "
    "limits")
{
    const LineRules rules = rules_of(
        "[[line]]\napplication = 'a'\npattern = '^(a+)+$'\nlevel = 'alarm'\n"
        "[[line]]\napplication = 'a'\npattern = '(?P<interaction>b+)(?P<rest>.*)'\nlevel = 'alarm'\n");
    // Somebody who goes back and tries again needs two to the power of sixteen thousand attempts.
    Message message = printed(std::string(LineRules::longest_line - 1, 'a') + "!", "a");
    CHECK(!rules.apply(message));
    message = printed(std::string(1000, 'b') + std::string(10'000, 'c') + "ü", "a");
    CHECK(rules.apply(message));
    CHECK(message.interaction.size() == MessageLimits::name);
    CHECK(message.attributes.at("rest").size() == MessageLimits::attribute);
    message = printed(std::string(LineRules::longest_line + 1, 'b'), "a");
    CHECK(!rules.apply(message));
    // What is no UTF-8 was replaced before.
    message = printed(
        "\xef\xbf\xbd"
        "b",
        "a");
    CHECK(rules.apply(message));
}

TEST_CASE("texts are read with their rules, and of both it is said what is wrong")
{
    const host::testing::Scratch scratch;
    scratch.file("a.toml", sample + "[[line]]\napplication = 'a'\npattern = '*'\nlevel = 'alarm'\n");
    scratch.file("b.toml", "[message");
    const ReadTexts read = read_texts({scratch.path("")});
    CHECK(read.texts->catalogue.entries().size() == 1);
    CHECK(read.texts->rules.concern("stat server 1"));
    REQUIRE(read.faults.size() == 2);
    CHECK(read.faults[0].file.ends_with("b.toml"));
    CHECK(read.faults[1].what.find("a.toml:21: the pattern") != std::string::npos);
}

}  // namespace
}  // namespace belay::message_server
