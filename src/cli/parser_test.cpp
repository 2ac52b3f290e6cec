#include "cli/invocation.h"
#include "cli/parse_kinds.h"

#include <cstdlib>
#include <doctest/doctest.h>

namespace belay::cli {
namespace {

using namespace std::chrono_literals;

Invocation read(const std::vector<std::string>& words)
{
    const auto parsed = parse_command_line(words);
    REQUIRE_MESSAGE(parsed, (parsed ? "" : parsed.error().what));
    REQUIRE_FALSE(parsed->help);
    return parsed->invocation;
}

Error refused(const std::vector<std::string>& words)
{
    const auto parsed = parse_command_line(words);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().kind == ErrorKind::usage);
    CHECK_FALSE(parsed.error().next.empty());
    return parsed.error();
}

/// A variable of the environment, as long as it lives.
struct Variable {
    const char* name;
    Variable(const char* its_name, const char* value) : name(its_name)
    {
        setenv(name, value, 1);  // NOLINT(concurrency-mt-unsafe): nobody else reads it
    }
    ~Variable() { unsetenv(name); }  // NOLINT(concurrency-mt-unsafe)
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;
};

TEST_CASE("who is asked: what is typed goes before the environment")
{
    CHECK(read({"show"}).site.empty());
    const Variable site("BELAY_SITE", "branch-3");
    const Variable socket("BELAY_SOCKET", "/of/environment");
    CHECK(read({"show"}).site == "branch-3");
    CHECK(read({"show"}).socket == "/of/environment");
    CHECK(read({"--site", "other", "show"}).site == "other");
    CHECK(read({"show", "--site=other"}).site == "other");
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"--proxy", "10.3.0.1:4880", "status"},
          {"status", "--proxy=10.3.0.1:4880"}}) {
        CHECK(read(words).proxy == "10.3.0.1:4880");
        CHECK(read(words).site.empty());
    }
    CHECK(read({"status", "--socket", "/typed"}).socket == "/typed");
    CHECK(read({"status", "--socket", "/typed"}).site.empty());
    CHECK(refused({"status", "--proxy", "10.3.0.1:4880", "--site", "other"}).what.find("excludes") !=
          std::string::npos);
}

TEST_CASE("a procedure's own arguments pass between Belay's options")
{
    const Invocation asked =
        read({"plan", "disk.replace", "--leaving", "/dev/sda", "--json", "--joining=sdc", "--timer", "4h",
              "--gate", "tcp:db:5432", "--gate", "command:/bin/true", "--why", "it clicks"});
    CHECK(asked.command == Command::plan);
    CHECK(asked.target == "disk.replace");
    CHECK(asked.json);
    CHECK(asked.timer == 4h);
    CHECK(asked.gates == std::vector<std::string>{"tcp:db:5432", "command:/bin/true"});
    CHECK(asked.why == "it clicks");
    const auto arguments = procedure_arguments(asked.words);
    REQUIRE(arguments);
    CHECK(*arguments == std::map<std::string, std::string>{{"leaving", "/dev/sda"}, {"joining", "sdc"}});
}

TEST_CASE("an argument's value may look like a command, or be empty")
{
    const auto arguments = procedure_arguments(read({"add", "x.y", "--name", "show", "--to="}).words);
    REQUIRE(arguments);
    CHECK(*arguments == std::map<std::string, std::string>{{"name", "show"}, {"to", ""}});
}

TEST_CASE("a number is an operation, everything else a procedure")
{
    CHECK(read({"add", "7"}).target == "7");
    CHECK(is_operation("7"));
    CHECK_FALSE(is_operation("disk.replace"));
    CHECK_FALSE(is_operation(""));
}

TEST_CASE("common options stand before or after the command")
{
    CHECK(read({"--json", "--socket", "/s", "show"}).json);
    const Invocation asked = read({"storage", "show", "--json", "--no-color", "--state-dir", "/d"});
    CHECK(asked.command == Command::storage_show);
    CHECK(asked.json);
    CHECK(asked.no_color);
    CHECK(asked.state_folder == "/d");
}

TEST_CASE("each command is understood with its options")
{
    CHECK(read({"run", "p", "--soak", "30s", "--yes", "--no-wait"}).soak == 30s);
    CHECK(read({"timer", "7", "--extend", "2h"}).extend == 2h);
    CHECK(read({"timer", "7", "--stop"}).stop);
    CHECK(read({"show", "7", "--journal"}).journal);
    CHECK(read({"history", "--audit"}).audit);
    CHECK(read({"clean", "--dry-run"}).dry_run);
    CHECK(read({"--version"}).command == Command::version);
    CHECK(read({"abort", "7", "--why", "noise"}).why == "noise");
}

TEST_CASE("a kind of text to parse is one word, and one that there is")
{
    CHECK(read({"parse", "mdadm-detail"}).command == Command::parse);
    CHECK(read({"parse", "mdadm-detail", "--json"}).target == "mdadm-detail");
    CHECK(refused({"parse"}).what.starts_with("which kind of text? none was named; there are: mdstat, "));
    CHECK(refused({"parse", "mdstats"})
              .what.starts_with("\"mdstats\" is no kind of text that can be parsed, did you mean "
                                "\"mdstat\"?; there are: mdstat, "));
    CHECK(read({"parse", "iosxe:show install summary"}).target == "iosxe:show install summary");
    CHECK(read({"parse", "iosxe:dir stby-flash:"}).command == Command::parse);
    CHECK(refused({"parse", "iosxe:show instal summary"})
              .what.find("did you mean \"iosxe:show install summary\"?") != std::string::npos);
    CHECK(refused({"parse", "mdstat", "file"}).what == "\"belay parse\" does not take \"file\"");
    CHECK(refused({"parse", "some: other kind"}).next == "belay parse --help");
    const auto help = parse_command_line({"parse", "--help"});
    REQUIRE(help);
    REQUIRE(help->help);
    for (const printed::Kind* kind : parse_kinds()) {
        const bool has_blanks = kind->name.find(' ') != std::string_view::npos;
        const std::string quote = has_blanks ? "\"" : "";
        const std::string listed = fmt::format("\n  {}{}{}", quote, kind->name, quote);
        CHECK(help->help->find(listed) != std::string::npos);
    }
}

TEST_CASE("what makes no sense is refused in one sentence, with what leads on")
{
    CHECK(refused({}).what == "\"belay\" needs a command");
    CHECK(refused({"shwo"}).what == "\"belay\" has no command \"shwo\", did you mean \"show\"?");
    CHECK(refused({"storage", "shw"}).what ==
          "\"belay storage\" has no command \"shw\", did you mean \"show\"?");
    CHECK(refused({"show", "--jornal"}).what ==
          "\"belay show\" has no option --jornal, did you mean \"--journal\"?");
    CHECK(refused({"show", "7", "8"}).what == "\"belay show\" does not take \"8\"");
    CHECK(refused({"commit"}).what == "which operation? no number was given");
    CHECK(refused({"commit", "md0"}).what == "\"md0\" is not an operation's number");
    CHECK(refused({"plan"}).next == "belay procedures");
    CHECK(refused({"plan", "7"}).what == "\"7\" is an operation's number, and a procedure is wanted");
    CHECK(refused({"add", "7", "--timer", "2h"}).what ==
          "operation 7 was planned already and takes no more arguments");
    CHECK(refused({"run", "p", "--soak", "30"}).what == "\"30\" is not a length of time");
    CHECK(refused({"timer", "7", "--stop", "--restart"}).what ==
          "only one of --stop, --restart and --extend can be asked for at a time");
    CHECK(refused({"show", "--socket"}).next == "belay show --help");
    CHECK(refused({"history", "--limit", "many"}).what == "\"many\" is not a number of entries");
    CHECK_FALSE(procedure_arguments({"sda"}));
    CHECK_FALSE(procedure_arguments({"--leaving"}));
    CHECK_FALSE(procedure_arguments({"--leaving", "a", "--leaving", "b"}));
}

TEST_CASE("every command helps with an example")
{
    for (const CommandWords& command : all_commands()) {
        std::vector<std::string> words;
        for (size_t at = 0; at < command.name.size();) {
            const size_t end = std::min(command.name.find(' ', at), command.name.size());
            words.push_back(command.name.substr(at, end - at));
            at = end + 1;
        }
        words.emplace_back("--help");
        const auto parsed = parse_command_line(words);
        REQUIRE(parsed);
        REQUIRE_MESSAGE(parsed->help, command.name);
        CHECK_MESSAGE(parsed->help->find("Example:\n  belay " + command.name) != std::string::npos,
                      *parsed->help);
        const std::string usage =
            "Usage: belay " + command.name + (command.name.empty() ? "[OPTIONS]" : " [OPTIONS]");
        CHECK_MESSAGE(parsed->help->find(usage) != std::string::npos, *parsed->help);
        CHECK(parsed->help->find("--json") != std::string::npos);
    }
}

}  // namespace
}  // namespace belay::cli
