#include "iosxe/grammar.h"

#include <doctest/doctest.h>

namespace belay::lab::iosxe {
namespace {

Typed understood(std::string_view line, Mode mode = Mode::privileged, bool internal = false)
{
    const auto read = read_line(line, mode, internal);
    const bool is = std::holds_alternative<Typed>(read);
    CAPTURE(line);
    REQUIRE(is);
    return std::get<Typed>(read);
}

Misunderstood not_understood(std::string_view line, Mode mode = Mode::privileged, bool internal = false)
{
    const auto read = read_line(line, mode, internal);
    const bool is_not = std::holds_alternative<Misunderstood>(read);
    CAPTURE(line);
    REQUIRE(is_not);
    return std::get<Misunderstood>(read);
}

using Why = Misunderstood::Why;

}  // namespace

TEST_CASE("a word may be as short as it is the only one at its place")
{
    CHECK(understood("sh ver").line == "show version");
    CHECK(understood("SH VER").verb == Verb::show_version);
    CHECK(understood("sh issu st det").verb == Verb::show_issu_state);
    CHECK(understood("sh inst sum").line == "show install summary");
    CHECK(understood("sh red").verb == Verb::show_redundancy);
    CHECK(understood("sh red st").verb == Verb::show_redundancy_states);
    CHECK(understood("  sh   boot  sys ").verb == Verb::show_boot_system);
    // A word that is another's beginning stands for itself.
    CHECK(understood("sh boot").verb == Verb::show_boot);
    CHECK(not_understood("sh i").why == Why::ambiguous);
    CHECK(not_understood("sh").why == Why::incomplete);
    CHECK(not_understood("sh issu state").why == Why::incomplete);
}

TEST_CASE("the marker is under the first word that nothing begins with")
{
    CHECK(not_understood("show foo").at == 5);
    CHECK(not_understood("show version foo").at == 13);
    CHECK(not_understood("  frobnicate").at == 2);
}

TEST_CASE("the install commands, with what may be left out")
{
    const Typed add = understood("install add file flash:cat9k.bin");
    CHECK(add.verb == Verb::install_add);
    CHECK(add.words.at("file") == "flash:cat9k.bin");
    CHECK(understood("install add file flash:x act issu comm prompt-level none").verb ==
          Verb::install_one_step);
    const Typed activate = understood("install activate issu auto-abort-timer 45 prompt-level none");
    CHECK(activate.verb == Verb::install_activate);
    CHECK(activate.words.at("minutes") == "45");
    CHECK(activate.words.at("level") == "none");
    CHECK(understood("install activate issu").verb == Verb::install_activate);
    CHECK(understood("install activate auto-abort-timer 45 issu").words.at("minutes") == "45");
    CHECK(understood("install abort issu").verb == Verb::install_abort);
    CHECK(understood("install auto-abort-timer stop").verb == Verb::install_timer_stop);
    CHECK(understood("install remove inactive").verb == Verb::install_remove_inactive);
    CHECK(not_understood("install add flash:x").at == 12);
    CHECK(not_understood("install a").why == Why::ambiguous);
}

TEST_CASE("clear install state is a word of the internal service alone")
{
    CHECK(not_understood("clear install state").why == Why::invalid);
    CHECK(understood("clear install state", Mode::privileged, true).verb == Verb::clear_install_state);
}

TEST_CASE("who is not privileged may look and little else")
{
    CHECK(understood("show version", Mode::user).verb == Verb::show_version);
    CHECK(understood("en", Mode::user).verb == Verb::enable);
    CHECK(not_understood("install commit", Mode::user).at == 0);
    CHECK(not_understood("configure terminal", Mode::user).why == Why::invalid);
}

TEST_CASE("what stands behind a bar chooses lines")
{
    const Typed typed = understood("sh ver | in IOS XE ");
    CHECK(typed.filter == "include");
    CHECK(typed.pattern == "IOS XE");
    CHECK(understood("dir flash: | ex bin").filter == "exclude");
    CHECK(not_understood("sh ver | foo x").at == 9);
    CHECK(not_understood("sh ver |").why == Why::incomplete);
    CHECK(not_understood("sh ver | in").why == Why::incomplete);
}

TEST_CASE("configuring")
{
    CHECK(understood("service internal", Mode::configuring).verb == Verb::service_internal);
    CHECK(understood("no boot manual", Mode::configuring).words.contains("no"));
    CHECK(understood("do show version | in x", Mode::configuring).words.at("line") == "show version | in x");
    CHECK(understood("end", Mode::configuring).verb == Verb::end);
    CHECK(not_understood("show version", Mode::configuring).why == Why::invalid);
}

TEST_CASE("no line, however odd, is more than not understood")
{
    std::string line;
    for (int byte = 0; byte < 256; ++byte) line += static_cast<char>(byte);
    for (size_t begin = 0; begin < line.size(); ++begin) {
        static_cast<void>(read_line(line.substr(begin), Mode::privileged, true));
        static_cast<void>(read_line("show " + line.substr(begin), Mode::privileged, true));
    }
    CHECK(not_understood("verify /md5").why == Why::incomplete);
    CHECK(not_understood("|").why == Why::incomplete);
}

}  // namespace belay::lab::iosxe
