// What a person sees of an operation: the command on a real terminal.

#include "cli/screens.h"

namespace belay::cli {
namespace {

using namespace screens;

TEST_CASE("activate is watched to its end, in place, and the ways on stay")
{
    Terminal terminal({"activate", "7"}, {.states = {State::activating, State::activated}});
    REQUIRE(terminal.shows("Ctrl-C leaves it"));
    CHECK_FALSE(terminal.screen().cursor_shown());
    CHECK(terminal.screen().text().find("Operation 7: Replace sda by sdc in md0  activating\n"
                                        "  ✓ add       Copy the partition table [sdc]  1 s\n"
                                        "  ▸ activate  Add the new disk as a third leg [sdc]\n"
                                        "      █████████░░░░░░░░░  52 %, 21 min 3") == 0);
    terminal.move_on();
    REQUIRE(terminal.shows("db:5432 answers"));
    terminal.move_on();
    CHECK(terminal.end() == 0);
    const std::string text = terminal.screen().text();
    CHECK(text.find("  ✓ activate  Add the new disk as a third leg [sdc]  44 s\n") != std::string::npos);
    CHECK(text.find("▸") == std::string::npos);
    CHECK(text.find("operation 7 is activated\n\nWays on\n  belay commit 7  let the old go") !=
          std::string::npos);
    CHECK(terminal.screen().cursor_shown());
    CHECK(terminal.screen().had_colour());
}

TEST_CASE("at 60 columns no row is broken")
{
    Terminal terminal({"activate", "7"}, {.columns = 60, .states = {State::activating, State::activated}});
    REQUIRE(terminal.shows("52 %"));
    CHECK(terminal.screen().text().find("52 %, 21 min 3") != std::string::npos);
    terminal.move_on();
    REQUIRE(terminal.shows("db:5432 answers"));
    terminal.move_on();
    CHECK(terminal.end() == 0);
    CHECK_FALSE(terminal.screen().had_broken_rows());
}

TEST_CASE("a terminal that becomes narrower shows one picture, not two")
{
    Terminal terminal({"activate", "7"}, {.states = {State::activating, State::activated}});
    REQUIRE(terminal.shows("248 GiB of 476 GiB"));
    terminal.resize(60);
    REQUIRE(terminal.shows("180 MiB/s\n"));
    const std::string text = terminal.screen().text();
    CHECK(text.starts_with("Operation 7: Replace sda by sdc in md0  activating\n"));
    CHECK(text.find("Operation 7", 1) == std::string::npos);
    CHECK(text.find("248 GiB") == std::string::npos);
}

TEST_CASE("Ctrl-C leaves the operation running, says how to come back, and gives the cursor back")
{
    Terminal terminal({"activate", "7"}, {.states = {State::activating, State::activated}});
    REQUIRE(terminal.shows("Ctrl-C leaves it"));
    REQUIRE(terminal.hides_cursor());
    terminal.type("\x03");
    CHECK(terminal.end() == 130);
    CHECK(terminal.screen().text().find(
              "operation 7 goes on; belay show 7 to come back, belay abort 7 to go back\n") !=
          std::string::npos);
    CHECK(terminal.screen().cursor_shown());
}

TEST_CASE("SIGTERM gives the cursor back as well")
{
    Terminal terminal({"activate", "7"}, {.states = {State::activating, State::activated}});
    REQUIRE(terminal.shows("Ctrl-C leaves it"));
    REQUIRE(kill(terminal.pid(), SIGTERM) == 0);
    CHECK(terminal.end() == 128 + SIGTERM);
    CHECK(terminal.screen().cursor_shown());
}

TEST_CASE("Ctrl-Z gives the cursor back while the process stands, and fg takes the picture up again")
{
    Terminal terminal({"activate", "7"}, {.states = {State::activating, State::activated}});
    REQUIRE(terminal.shows("Ctrl-C leaves it"));
    terminal.type("\x1a");
    int status = 0;
    REQUIRE(waitpid(terminal.pid(), &status, WUNTRACED) == terminal.pid());
    REQUIRE(WIFSTOPPED(status));
    CHECK(terminal.shows("Ctrl-C leaves it"));
    REQUIRE(kill(terminal.pid(), SIGCONT) == 0);
    terminal.move_on();
    CHECK(terminal.shows("db:5432 answers"));
    terminal.move_on();
    CHECK(terminal.end() == 0);
    CHECK(terminal.screen().cursor_shown());
}

TEST_CASE("NO_COLOR, --no-color and a dumb terminal are respected")
{
    const Setting watched{.environment = {{"NO_COLOR", "1"}}, .states = {State::activated}};
    Terminal without({"activate", "7"}, watched);
    without.move_on();
    CHECK(without.end() == 0);
    CHECK_FALSE(without.screen().had_colour());

    Terminal told({"storage", "show", "--no-color"}, {});
    CHECK(told.end() == 0);
    CHECK_FALSE(told.screen().had_colour());

    Terminal dumb({"activate", "7"},
                  {.environment = {{"TERM", "dumb"}}, .states = {State::activating, State::activated}});
    dumb.move_on();
    dumb.move_on();
    CHECK(dumb.end() == 0);
    CHECK_FALSE(dumb.screen().had_colour());
    CHECK(dumb.screen().text().find("operation 7: Add the new disk as a third leg: begun\n") !=
          std::string::npos);
}

TEST_CASE("in a C locale a terminal gets ASCII")
{
    Terminal terminal({"storage", "show"}, {.environment = {{"LC_ALL", "C"}}});
    CHECK(terminal.end() == 0);
    CHECK(terminal.screen().text().find("|- sda1  512 MiB, EFI system\n") != std::string::npos);
}

TEST_CASE("run asks on a terminal, and Ctrl-C is a no")
{
    Terminal yes({"run", "disk.replace", "--leaving", "sda", "--joining", "sdc"},
                 {.states = {State::committed}, .before = State::planned, .one_shot = true});
    REQUIRE(yes.shows("NO WAY BACK"));
    REQUIRE(yes.shows("Type yes to go on:"));
    yes.type("yes\n");
    yes.move_on();
    CHECK(yes.end() == 0);
    CHECK(yes.screen().text().find("operation 7 is committed\n") != std::string::npos);

    Terminal no({"run", "disk.replace", "--leaving", "sda", "--joining", "sdc"}, {.before = State::planned});
    REQUIRE(no.shows("Type yes to go on:"));
    no.type("\x03");
    CHECK(no.end() == 3);
    CHECK(no.screen().text().find("belay: not confirmed, and nothing was touched\n") != std::string::npos);
}

TEST_CASE("show takes up an operation that is being worked on")
{
    Terminal terminal({"show", "7"},
                      {.states = {State::activating, State::activated}, .before = State::activating});
    REQUIRE(terminal.shows("Ctrl-C leaves it"));
    terminal.move_on();
    terminal.move_on();
    CHECK(terminal.end() == 0);

    Terminal at_rest({"show", "7"}, {.before = State::activated});
    CHECK(at_rest.end() == 0);
    CHECK(at_rest.screen().text().find("  last operation  Add the new disk as a third leg (44 s)\n") !=
          std::string::npos);
}

}  // namespace
}  // namespace belay::cli
