// What a person reads about a runbook that is not right, with the line and the column.

#include "operation/runbook/runbook.h"
#include "operation/runbook/sample.h"

#include <doctest/doctest.h>

namespace belay::operation::runbook {
namespace {

const std::string head = "name = \"x\"\nsummary = \"s\"\n";  // two lines
const std::string step = "[[step]]\nname = \"a\"\ntitle = \"A\"\nphase = \"activate\"\n";
const std::string good = head + step +
                         "check = [\"true\"]\nrun = [\"true\"]\nundo = [\"false\"]\n"
                         "[fingerprint]\nfiles = [\"/etc/a\"]\n";

std::vector<std::string> said_of(const std::string& text)
{
    std::vector<std::string> said;
    for (const Problem& problem : read_runbook(text).problems) said.push_back(to_text(problem, "f"));
    return said;
}

/// Whether one of the lines begins with this and has that in it.
bool says(const std::string& text, const std::string& begin, const std::string& part)
{
    const std::vector<std::string> all = said_of(text);
    const bool found = std::ranges::any_of(
        all, [&](const std::string& line) { return line.starts_with(begin) && line.contains(part); });
    if (!found) MESSAGE(fmt::format("{}", fmt::join(all, "\n")));
    return found;
}

TEST_CASE("a runbook that is right has nothing said about it")
{
    CHECK(said_of(good) == std::vector<std::string>{});
    const Linted linted = read_runbook(sample);
    REQUIRE(linted.runbook);
    CHECK(linted.runbook->steps.size() == 5);
    CHECK(linted.runbook->steps[3].wait_for->every == std::chrono::seconds(5));
    // The one step without a check is there on purpose.
    CHECK(linted.problems.size() == 1);
}

TEST_CASE("what is no TOML is said with its line")
{
    CHECK(says("name = \"x\nsummary", "f:1:10: error: this is no TOML", "try again"));
    CHECK(says("[a]\n[a]\n", "f:2:", "no TOML"));
    CHECK(says("[[\x1ftep]]\n", "f:1:", "no TOML"));
    CHECK(says("a = \"\xff\"\n", "f:1:", "no TOML"));
    CHECK(says("[[", "f:1:", "no TOML"));
    CHECK(says("m\u025e = 1", "f:1:2: error", "no TOML"));
    CHECK(says("a = \u00e9", "f:1:5: error", "no TOML"));
    CHECK(says(std::string(2 << 20, ' '), "f:1:1: error", "1 MiB"));
}

TEST_CASE("all errors are said at once, in the order of their lines")
{
    const std::vector<std::string> said = said_of("nam = 1\n[[step]]\nname = 1\nrun = \"true\"\n[[gate]]\n");
    REQUIRE(said.size() >= 8);
    CHECK(std::ranges::any_of(
        said, [](const auto& s) { return s.starts_with("f:1:1: error: the runbook has no key \"nam\""); }));
    CHECK(std::ranges::any_of(
        said, [](const auto& s) { return s.starts_with("f:3:8: error: \"name\" has a number here"); }));
    CHECK(std::ranges::any_of(said, [](const auto& s) {
        return s.starts_with("f:4:7: error: \"run\" is a text here, and a command");
    }));
    CHECK(std::ranges::any_of(
        said, [](const auto& s) { return s.starts_with("f:5:1: error: a gate needs \"title\""); }));
    CHECK(!read_runbook("nam = 1").runbook);
}

TEST_CASE("each kind of error stands where its cause stands")
{
    CHECK(says("summary = \"s\"\n" + step, "f:1:1", "needs \"name\""));
    CHECK(says("name = \"A b\"\nsummary = \"s\"\n", "f:1:8", "small letters"));
    CHECK(says(head, "f:1:1", "no step"));
    CHECK(says(head + step, "f:3:1", "does nothing"));
    CHECK(says(head + step + "run = [\"true\"]\n", "f:3:1", "no way back"));
    CHECK(says(head + step + "run = []\nundo = [\"true\"]\n", "f:7:7", "names no program"));
    CHECK(says(head + step + "run = [\"/bin/true\"]\nundo = [\"true\"]\n", "f:7:8", "bare name"));
    CHECK(says(head + step + "run = [\"a\", 7]\nundo = [\"true\"]\n", "f:7:13", "has a number"));
    CHECK(says(head + step + "run = [\"a\\u0000\"]\nundo = [\"true\"]\n", "f:7:8", "zero byte"));
    CHECK(says(head + step + "run = [\"a\"]\nundo = [\"b\"]\none-way = \"c\"\n", "f:9:11", "not both"));
    CHECK(says(head + step + "run = [\"a\"]\none-way = \"\"\n", "f:8:11", "the reason"));
    CHECK(says(head + step + "run = [\"a\"]\nundo = [\"b\"]\ntakes = \"9\"\n", "f:9:9", "no length of time"));
    CHECK(says(head + step + "run = [\"a\"]\nundo = [\"b\"]\nundone = 1\n", "f:9:1", "no key \"undone\""));
    CHECK(says(head + step + "run = [\"a\", \"${b}\"]\nundo = [\"b\"]\n", "f:7:13", "no variable \"b\""));
    CHECK(says(head + step + "run = [\"a\", \"${b\"]\nundo = [\"b\"]\n", "f:7:13", "has no \"}\""));
    CHECK(says(head + step + "run = [\"a\", \"${member}\"]\nundo = [\"b\"]\n", "f:7:13",
               "only in a step with"));
    CHECK(says(head + step + "run = [\"a\", \"${remembered}\"]\nundo = [\"b\"]\n", "f:7:13",
               "only in \"undo\""));
    CHECK(says(head + step + "run = [\"a\"]\nundo = [\"b\", \"${remembered}\"]\n", "f:8:14",
               "needs \"remember\""));
    CHECK(
        says(head + "[[step]]\nname = \"a\"\ntitle = \"A\"\nphase = \"now\"\n", "f:6:9", "no phase \"now\""));
    CHECK(says(
        head + "[[step]]\nname = \"a\"\ntitle = \"A\"\nphase = \"add\"\nrun = [\"a\"]\none-way = \"x\"\n",
        "f:8:11", "leave the way back open"));
    CHECK(says(good + step + "run = [\"a\"]\nundo = [\"b\"]\n", "f:13:8", "two steps are called \"a\""));
    CHECK(says(head + step +
                   "wait-for = { run = [\"a\"] }\n[[step]]\nname = \"b\"\ntitle = \"B\"\nphase = \"add\"\n"
                   "wait-for = { run = [\"a\"] }\n",
               "f:8:1", "move it up"));
    CHECK(says(head + step + "wait-for = { run = [\"a\"] }\nundo = [\"b\"]\n", "f:8:8", "only waits"));
    CHECK(says(head + step + "wait-for = { run = [\"a\"] }\ninput = \"b\"\n", "f:8:9", "belongs to \"run\""));
}

TEST_CASE("errors in what is written, asked, watched and compared")
{
    const auto write = [](const std::string& table) { return head + step + "write = { " + table + " }\n"; };
    CHECK(says(write("path = \"a\", text = \"\""), "f:7:18", "begins with \"/\""));
    CHECK(says(write("path = \"/a\""), "f:7:9", "either \"text\" or \"from\""));
    CHECK(says(write("path = \"/a\", text = \"\", mode = \"rw\""), "f:7:42", "no mode"));
    CHECK(says(write("path = \"/a\", text = \"\"") + "one-way = \"x\"\n", "f:8:11", "can be put back"));
    CHECK(says(good + "[[check]]\ntitle = \"t\"\n", "f:12:1", "needs \"run\""));
    CHECK(says(good + "[[check]]\ntitle = \"t\"\nrun = [\"a\"]\nexpect-output = \"(\"\n", "f:15:17",
               "no pattern"));
    CHECK(says(good + "[[check]]\ntitle = \"t\"\nrun = [\"a\"]\nexpect-exit = 256\n", "f:15:15",
               "from 0 to 255"));
    CHECK(says(good + "[[gate]]\ntitle = \"t\"\n", "f:12:1", "one thing"));
    CHECK(says(good + "[[gate]]\ntitle = \"t\"\ntcp = \"db\"\n", "f:14:7", "no port"));
    CHECK(says(good + "[[gate]]\ntitle = \"t\"\nhttp = \"ftp://a\"\n", "f:14:8", "is no gate"));
    CHECK(says(good + "[variables.A]\nmeaning = \"m\"\n", "f:12:12", "small letter"));
    CHECK(says(good + "[variables.member]\nmeaning = \"m\"\n", "f:12:12", "a meaning of its own"));
    CHECK(says(good + "[variables.a]\n", "f:12:12", "needs \"meaning\""));
    CHECK(says(good + "[variables.a]\nmeaning = \"m\"\ndefault = \"b\"\npattern = \"[0-9]+\"\n", "f:15:11",
               "does not match its pattern"));
    CHECK(says(good + "[variables.a]\nmeaning = \"m\"\npattern = \"((a{90}){90}){90}\"\n", "f:14:11",
               "counts"));
    CHECK(says("check = 3\n" + good, "f:1:9", "a list is wanted"));
    CHECK(says("variables = [1]\n" + good, "f:1:13", "a table is wanted"));
}

TEST_CASE("what is right and yet not wise is a warning, and the runbook can be run")
{
    const auto warns = [](const std::string& text, const std::string& begin, const std::string& part) {
        return read_runbook(text).runbook && says(text, begin, part);
    };
    const std::string undo = "undo = [\"false\"]\n";
    const std::string print = "[fingerprint]\nfiles = [\"/a\"]\n";
    const std::string secret = "[variables.db-password]\nmeaning = \"m\"\n";
    CHECK(warns(head + step + "run = [\"true\"]\n" + undo + print, "f:3:1: warning", "nobody can tell"));
    CHECK(warns(head + step + "run = [\"sh\", \"-c\", \"a | b\"]\n" + undo, "f:7:20: warning",
                "a shell runs this"));
    CHECK(warns(
        head + step + "run = [\"sh\", \"-c\", \"a ${b}\"]\n" + undo + "[variables.b]\nmeaning = \"m\"\n",
        "f:7:20: warning", "a part of the script"));
    const std::string asked_for = head + step + "run = [\"sh\", \"-c\", \"${b}\"]\n" + undo + print +
                                  "[variables.b]\nmeaning = \"m\"\n";
    CHECK(said_of(asked_for).size() == 1);  // that it has no check
    CHECK(warns(head + step + "run = [\"a\", \"${db-password}\"]\n" + undo + secret, "f:7:13: warning",
                "everybody on the host"));
    CHECK(warns(head + step + "run = [\"a\"]\ninput = \"${db-password}\"\n" + undo + secret, "f:8:9: warning",
                "stay in the journal"));
    CHECK(warns(good + "[variables.a]\nmeaning = \"m\"\n", "f:12:12: warning", "used nowhere"));
    CHECK(warns(head + step + "check = [\"a\"]\nrun = [\"a\"]\n" + undo, "f:1:1: warning",
                "nothing to compare"));
    CHECK(warns(head + step + "run = [\"a\"]\nundo = [\"a\"]\n", "f:8:9: warning",
                "before the steps above it"));
    CHECK(
        warns(head + step + "run = [\"a\"]\nremember = [\"b\"]\n" + undo, "f:8:13: warning", "used nowhere"));
}

}  // namespace
}  // namespace belay::operation::runbook
