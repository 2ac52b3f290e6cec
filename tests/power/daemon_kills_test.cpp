// belayd is killed before and after every record of its journal, on a real mirror under load.

#include "sampling.h"
#include "trial.h"

#include <doctest/doctest.h>

namespace belay::trial {
namespace {

/// Kills at every commit until an operation ends before the kill comes; how many kills there were.
unsigned kill_everywhere(Course course)
{
    lab::Folder folder = *lab::Folder::make();
    Result<Trial> trial = Trial::begin(folder);
    REQUIRE_MESSAGE(trial.has_value(), trial.error().what);
    unsigned kills = 0;
    for (unsigned commit = 1;; commit += each(7)) {
        bool any = false;
        for (const bool before : {true, false}) {
            const Cut cut{.before = before, .commit = commit};
            const Result<Ending> ending = trial->with_killed_daemon(course, cut);
            REQUIRE_MESSAGE(ending.has_value(), cut.text(), ": ", ending.error().what);
            if (ending->was_cut) ++kills;
            any = any || ending->was_cut;
            if (course == Course::abort && ending->state != "none") CHECK(ending->state == "aborted");
        }
        if (!any) return kills;
    }
}

TEST_CASE("a replacement ends well wherever the daemon is killed, and nothing that was written is lost")
{
    CHECK(kill_everywhere(Course::commit) >= 14 / each(7));
}

TEST_CASE("a replacement that goes back ends well wherever the daemon is killed")
{
    CHECK(kill_everywhere(Course::abort) >= 14 / each(7));
}

}  // namespace
}  // namespace belay::trial
