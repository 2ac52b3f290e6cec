#include "framework/messages/catalogue.h"

#include "framework/alarms/predefined.h"
#include "framework/messages/own_events.h"
#include "host/testing/scratch.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

namespace belay::framework::messages {
namespace {

constexpr EventId listens{.component = 20, .number = 10};

const std::string sample = R"(
[message.20-00010]
text = "listens at port {port} of {host}"
explanation = "It is ready."
action = "Nothing."
de.text = "hört an {host} auf Port {port}"
de.action = "Nichts."
pt_BR.text = "escuta na porta {port} de {host}"

[message.20-00020]
level = "alarm"
text = "gives up"

[[line]]
application = "stat server*"
pattern = 'listening on (?P<port>\d+)'
id = "20-00010"

[[line]]
application = "*"
pattern = "^WARN"
level = "standard"
)";

/// The problems of a file behind those that are there, as they are said.
std::vector<std::string> problems_of(std::string_view text, Catalogue catalogue = {})
{
    std::vector<std::string> said;
    for (const auto& problem : catalogue.add("x.toml", text))
        said.push_back(operation::runbook::to_text(problem, "x.toml"));
    CHECK(catalogue.entries().size() + catalogue.rules().size() == 0);
    return said;
}

/// The only one.
std::string problem_of(std::string_view text)
{
    const auto said = problems_of(text);
    for (const std::string& one : said) INFO(one);
    REQUIRE(said.size() == 1);
    return said.front();
}

Catalogue sample_catalogue()
{
    Catalogue catalogue;
    REQUIRE(catalogue.add("sample.toml", sample).empty());
    return catalogue;
}

TEST_CASE("a file says what events are called, in several languages, and which lines are events")
{
    const Catalogue catalogue = sample_catalogue();
    const EventEntry* entry = catalogue.find(listens);
    REQUIRE(entry != nullptr);
    CHECK(entry->level == Level::standard);
    CHECK(entry->language == "en");
    CHECK(entry->words.explanation == "It is ready.");
    CHECK(entry->in_language("de")->action == "Nichts.");
    CHECK(entry->in_language("de_AT") == entry->in_language("de"));
    CHECK(entry->in_language("pt_BR")->text.starts_with("escuta"));
    CHECK(entry->in_language("pt") == nullptr);
    CHECK(entry->in_language("en_US") == &entry->words);
    CHECK(catalogue.find({.component = 20, .number = 20})->level == Level::alarm);
    CHECK(catalogue.find({.component = 20, .number = 21}) == nullptr);
    REQUIRE(catalogue.rules().size() == 2);
    CHECK(catalogue.rules()[0].application == "stat server*");
    CHECK(catalogue.rules()[0].pattern == "listening on (?P<port>\\d+)");
    CHECK(catalogue.rules()[0].id == listens);
    CHECK(!catalogue.rules()[0].level);
    CHECK(catalogue.rules()[1].level == Level::standard);
    CHECK(catalogue.rules()[1].line == 19);
}

TEST_CASE("a message is told in another language where all is there that it is filled in with")
{
    const Catalogue catalogue = sample_catalogue();
    Message message{.id = listens, .host = "web1", .text = "listens", .attributes = {{"port", "{host}"}}};
    CHECK(translated(catalogue, message, "de") == "hört an web1 auf Port {host}");
    CHECK(!translated(catalogue, message, "fr"));
    // It was said in that.
    CHECK(!translated(catalogue, message, "en"));
    // An attribute goes before what the message is by itself.
    message.attributes["host"] = "web2";
    CHECK(translated(catalogue, message, "de") == "hört an web2 auf Port {host}");
    message.attributes.erase("port");
    CHECK(!translated(catalogue, message, "de"));
    message.id = {};
    CHECK(!translated(catalogue, message, "de"));
}

TEST_CASE("what a message does not say itself is said by the catalogue")
{
    const Catalogue catalogue = sample_catalogue();
    Message message{.id = listens, .host = "web1", .attributes = {{"port", "7260"}}};
    complete(catalogue, message, false);
    CHECK(message.text == "listens at port 7260 of web1");
    message = {.id = {.component = 20, .number = 20}};
    complete(catalogue, message, false);
    CHECK(message.text == "gives up");
    CHECK(message.level == Level::alarm);
    message = {.id = {.component = 20, .number = 20}, .level = Level::trace, .text = "its own"};
    complete(catalogue, message, true);
    CHECK(message.text == "its own");
    CHECK(message.level == Level::trace);
    // A text of its own has the level of the event, and a level of its own the text.
    complete(catalogue, message, false);
    CHECK(message.level == Level::alarm);
    message = {.id = listens, .level = Level::trace};
    complete(catalogue, message, true);
    CHECK(message.text == "listens at port {port} of {host}");
    CHECK(message.level == Level::trace);
    message = {.id = {.component = 77, .number = 1}};
    complete(catalogue, message, false);
    CHECK(message.text.empty());
}

TEST_CASE("what is wrong is said in one sentence, with its line, and nothing of the file is taken")
{
    CHECK(problem_of("[message.20-10]\ntext = 7") ==
          "x.toml:2:8: error: \"text\" has a number here, and a text is wanted: put it in quotes");
    CHECK(problem_of("[message.hello]\ntext = 'x'")
              .starts_with("x.toml:1:10: error: \"hello\" is no event id, which has the form NN-NNNNN"));
    CHECK(problem_of("[message.00-00010]\ntext = 'x'").find("component 00") != std::string::npos);
    CHECK(problem_of("[message.20-10]") ==
          "x.toml:1:10: error: 20-00010 needs \"text\", what it says, as \"listens at port {port}\"");
    CHECK(problem_of("[message.20-10]\ntext = 'x'\nlevel = 'loud'").find("there is no level \"loud\"") !=
          std::string::npos);
    CHECK(problem_of("[message.20-10]\ntext = 'x'\ntxet = 'y'").find("no key \"txet\"") != std::string::npos);
    CHECK(problem_of("[message.20-10]\ntext = 'at {port'") ==
          "x.toml:2:8: error: the text of 20-00010: the brace at \"{port\" belongs to no name: write {name}, "
          "of "
          "letters, digits, _, - and .");
    CHECK(problem_of("[message.20-10]\ntext = 'at }'").find("the brace at \"}\"") != std::string::npos);
    CHECK(problem_of("[message.20-10]\ntext = 'at {a} {b}'\nde.text = 'an {a}'") ==
          "x.toml:3:11: error: the text of 20-00010 in de lacks {b}, which the original has");
    CHECK(problem_of("[message.20-10]\ntext = 'at {a}'\nde.text = 'an {a} {c} {d}'") ==
          "x.toml:3:11: error: the text of 20-00010 in de has {c}, {d}, which the original has not");
    CHECK(problem_of("[message.20-10]\ntext = 'x'\nen.text = 'y'").find("is in en without that") !=
          std::string::npos);
    CHECK(problem_of("[message.20-10]\ntext = 'x'\nde.action = 'y'").find("20-00010 in de needs \"text\"") !=
          std::string::npos);
    CHECK(problem_of("language = 'German'").find("is no language") != std::string::npos);
    CHECK(problem_of("[[line]]\npattern = 'x'\nid = '20-1'").find("needs \"application\"") !=
          std::string::npos);
    CHECK(problem_of("[[line]]\napplication = 'x'\nid = '20-1'").find("needs \"pattern\"") !=
          std::string::npos);
    CHECK(problem_of("[[line]]\napplication = 'x'\npattern = 'x'").find("needs \"id\" or \"level\"") !=
          std::string::npos);
    CHECK(problem_of("[[line]]\napplication = 'x'\npattern = 'x'\nid = '03-00020'")
              .starts_with("x.toml:4:6: error: 03-00020 is an id of Belay's own"));
    CHECK(problem_of("[messages.20-10]\ntext = 'x'").find("no key \"messages\"") != std::string::npos);
    CHECK(problem_of("[message").find("this is no TOML") != std::string::npos);
    // Each at once.
    CHECK(problems_of("[message.20-10]\nlevel = 1\ntext = '{'").size() == 2);
}

TEST_CASE("an id has its texts once, however it is written and in whichever file")
{
    CHECK(problem_of("[message.20-10]\ntext = 'x'\n[message.20-00010]\ntext = 'y'") ==
          "x.toml:3:10: error: 20-00010 has its texts in x.toml:1 already: one of them has to go");
    Catalogue catalogue = sample_catalogue();
    const auto problems =
        catalogue.add("y.toml", "[message.20-00020]\ntext = 'x'\n[message.20-7]\ntext = 'x'");
    REQUIRE(problems.size() == 1);
    CHECK(problems.front().what == "20-00020 has its texts in sample.toml:10 already: one of them has to go");
    CHECK(catalogue.find({.component = 20, .number = 7}) == nullptr);
    CHECK(catalogue.entries().size() == 2);
}

TEST_CASE("a file that is too large for anybody to have meant it is refused")
{
    const std::string text(CatalogueLimits::text + 1, 'x');
    CHECK(
        problem_of("[message.20-10]\ntext = '" + text + "'").find("is of 4097 bytes, and of at most 4096") !=
        std::string::npos);
    CHECK(problem_of("[message.20-10]\ntext = 'x'\naction = '" + text + text + "'")
              .find("the action of 20-00010") != std::string::npos);
    std::string places = "[message.20-10]\ntext = '";
    for (size_t i = 0; i <= CatalogueLimits::places; ++i) places += "{a}";
    CHECK(problem_of(places + "'").find("has 33 names to be filled in, and at most 32") != std::string::npos);
    std::string rules;
    for (size_t i = 0; i <= CatalogueLimits::rules; ++i)
        rules += "[[line]]\napplication = 'a'\npattern = 'x'\nlevel = 'trace'\n";
    CHECK(problem_of(rules).find("more than 128 rules") != std::string::npos);
    std::string messages;
    for (size_t i = 0; i <= CatalogueLimits::messages; ++i)
        messages += fmt::format("[message.30-{}]\ntext = 'x'\n", i);
    CHECK(problem_of(messages).find("more than 10000 messages") != std::string::npos);
    std::string languages = "[message.20-10]\ntext = 'x'\n";
    for (size_t i = 0; i <= CatalogueLimits::languages; ++i)
        languages += fmt::format("{}{}.text = 'x'\n", static_cast<char>('a' + i / 26),
                                 static_cast<char>('a' + i % 26));
    CHECK(problem_of(languages).find("more than 32 languages") != std::string::npos);
    CHECK(problem_of(std::string(CatalogueLimits::file + 1, '\n')).find("larger than 1 MiB") !=
          std::string::npos);
}

TEST_CASE("what a text of the greatest length is filled in with is cut as all messages are")
{
    Catalogue catalogue;
    std::string text = "[message.20-10]\ntext = '";
    for (size_t i = 0; i < CatalogueLimits::places; ++i) text += "{a}";
    REQUIRE(catalogue.add("x.toml", text + "'").empty());
    Message message{.id = listens, .attributes = {{"a", std::string(MessageLimits::text, 'x')}}};
    complete(catalogue, message, false);
    CHECK(message.text.size() == MessageLimits::text);
}

TEST_CASE("of the files of a host those count that are right; of each other it is said what is wrong")
{
    const host::testing::Scratch scratch;
    mkdir(scratch.path("first").c_str(), 0755);
    mkdir(scratch.path("second").c_str(), 0755);
    scratch.file("first/b.toml", sample);
    scratch.file("first/a.toml", "[message.21-1]\ntext = 'x'\n");
    scratch.file("first/readme", "no catalogue");
    scratch.file("second/again.toml", "[message.20-10]\ntext = 'x'\n[message.20-11]\n");
    scratch.file("second/large.toml", std::string(CatalogueLimits::file + 1, '\n'));
    mkfifo(scratch.path("second/pipe.toml").c_str(), 0600);
    scratch.file("second/right.toml", "language = 'de'\n[message.22-1]\ntext = 'x'\n");
    const ReadCatalogue read =
        read_catalogue({scratch.path("first"), scratch.path("absent"), scratch.path("second")});
    CHECK(read.catalogue.entries().size() == 4);
    CHECK(read.catalogue.find({.component = 22, .number = 1})->language == "de");
    REQUIRE(read.faults.size() == 3);
    CHECK(read.faults[0].file == scratch.path("second/again.toml"));
    CHECK(read.faults[0].what == fmt::format("{}:1:10: error: 20-00010 has its texts in {}:2 already: one of "
                                             "them has to go (and 1 more)",
                                             scratch.path("second/again.toml"),
                                             scratch.path("first/b.toml")));
    CHECK(read.faults[1].what.find("is larger than 1 MiB") != std::string::npos);
    CHECK(read.faults[2].what.ends_with("pipe.toml is no file"));
    for (size_t i = 0; i < CatalogueLimits::files; ++i) scratch.file(fmt::format("first/{}.toml", i), "");
    const ReadCatalogue many = read_catalogue({scratch.path("first")});
    CHECK(many.faults.size() == 1);
    CHECK(many.faults[0].what.find("64 files") != std::string::npos);
}

TEST_CASE("folders are named as in a PATH")
{
    CHECK(folders_in("/a/b:/c") == std::vector<std::string>{"/a/b", "/c"});
    CHECK(folders_in("a::/b:").size() == 1);
    CHECK(folders_in("").empty());
}

TEST_CASE("Belay's own catalogue has each of its own events with its level and text, and no other")
{
    ReadCatalogue read = read_catalogue({BELAY_MESSAGE_TEXTS});
    for (const CatalogueFault& fault : read.faults) MESSAGE(fault.what);
    REQUIRE(read.faults.empty());
    std::map<EventId, Level> known;
    for (const alarms::Condition& condition : alarms::predefined_conditions()) {
        const auto* count = std::get_if<alarms::EventCount>(&condition.detect);
        if (count == nullptr) continue;
        known.emplace(count->id, Level::alarm);
        REQUIRE(condition.clear_event);
        known.emplace(*condition.clear_event, Level::standard);
    }
    for (const OwnEvent& event : own_events()) {
        INFO(to_text(event.id));
        known.insert_or_assign(event.id, event.level);
        const EventEntry* entry = read.catalogue.find(event.id);
        REQUIRE(entry != nullptr);
        CHECK(entry->words.text == event.text);
    }
    for (const auto& [id, level] : known) {
        INFO(to_text(id));
        const EventEntry* entry = read.catalogue.find(id);
        REQUIRE(entry != nullptr);
        CHECK(entry->level == level);
        REQUIRE(entry->translations.contains("de"));
        // In both languages as much is told.
        const EventWords& german = entry->translations.at("de");
        CHECK(german.explanation.empty() == entry->words.explanation.empty());
        CHECK(german.action.empty() == entry->words.action.empty());
        CHECK((level != Level::alarm || !entry->words.action.empty()));
    }
    for (const auto& [id, entry] : read.catalogue.entries()) {
        INFO(to_text(id));
        CHECK(known.contains(id));
    }
    CHECK(read.catalogue.rules().empty());
}

}  // namespace
}  // namespace belay::framework::messages
