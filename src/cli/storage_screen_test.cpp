// What a person sees of a whole machine: `belay storage show` and `health` on a terminal, from recordings of
// the lab, held to the letter. The screens are in src/cli/screens, as they stood on the terminal.

#include "cli/screens.h"

namespace belay::cli::storage_screen_test {
namespace {

using namespace screens;

std::string recording_of(const std::string& scene)
{
    return fmt::format("{}/{}.jsonl", BELAY_RECORDINGS, scene);
}

/// The command shows exactly this screen; nothing is broken over the edge.
void shows_screen(const std::string& view, const std::string& scene, unsigned short columns, int code)
{
    const std::string name = fmt::format("{}-{}-{}", view, scene, columns);
    INFO(name);
    Terminal terminal({"storage", view, "--from", recording_of(scene)}, {.columns = columns});
    CHECK(terminal.end() == code);
    CHECK_FALSE(terminal.screen().had_broken_rows());
    const bool has_something_bold = view == "show" || code != 0;
    CHECK(terminal.screen().had_colour() == has_something_bold);
    CHECK(terminal.screen().text() == kept_screen(name));
}

}  // namespace

TEST_CASE("a host with one of everything, on narrow and on wide terminals")
{
    shows_screen("show", "sound-host", 80, 0);
    shows_screen("show", "sound-host", 140, 0);
    shows_screen("health", "sound-host", 80, 0);
}

TEST_CASE("the same host in trouble")
{
    shows_screen("show", "troubled-host", 80, 0);
    shows_screen("show", "troubled-host", 140, 0);
    shows_screen("health", "troubled-host", 80, 1);
    shows_screen("health", "troubled-host", 140, 1);
}

TEST_CASE("a host with OpenZFS: sound, in trouble, and while it is mended")
{
    shows_screen("show", "zfs-sound-host", 80, 0);
    shows_screen("health", "zfs-sound-host", 80, 1);
    shows_screen("show", "zfs-troubled-host", 140, 0);
    shows_screen("health", "zfs-troubled-host", 80, 1);
    shows_screen("show", "zfs-busy-host", 80, 0);
    shows_screen("health", "zfs-busy-host", 80, 1);
}

TEST_CASE("without colours it is the same text, and in a C locale the same tree of ASCII")
{
    Terminal plain({"storage", "show", "--no-color", "--from", recording_of("troubled-host")}, {});
    CHECK(plain.end() == 0);
    CHECK_FALSE(plain.screen().had_colour());
    CHECK(plain.screen().text() == kept_screen("show-troubled-host-80"));

    Terminal ascii({"storage", "show", "--from", recording_of("sound-host")},
                   {.environment = {{"LC_ALL", "C"}}});
    CHECK(ascii.end() == 0);
    CHECK(ascii.screen().text() == kept_screen("show-sound-host-ascii"));
}

}  // namespace belay::cli::storage_screen_test
