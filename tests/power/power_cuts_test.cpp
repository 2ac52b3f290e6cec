// The power of the host is cut, in the middle of everything, on a real mirror under load.

#include "cut_once.h"
#include "sampling.h"

namespace belay::trial {
namespace {

/// Cuts before one commit and after the next until an operation ends before the cut comes; how many cuts
/// there were: 10 to 12 of a whole course, since records that come together share a commit. The daemon is
/// killed on both sides of each (daemon_kills_test.cpp).
unsigned cut_everywhere(Course course)
{
    const lab::Folder folder = *lab::Folder::make();
    Result<Trial> trial = Trial::begin(folder);
    REQUIRE_MESSAGE(trial.has_value(), trial.error().what);
    unsigned cuts = 0;
    for (unsigned commit = 1;; commit += each(7), ++cuts)
        if (!cut_once(*trial, course, {.before = commit % 2 == 0, .commit = commit})) return cuts;
}

TEST_CASE("the power is cut while the disk is copied")
{
    const lab::Folder folder = *lab::Folder::make();
    Result<Trial> trial = Trial::begin(folder);
    REQUIRE_MESSAGE(trial.has_value(), trial.error().what);
    for (unsigned percent = 10; percent <= 80; percent += 35 * each(3))
        CHECK(cut_once(*trial, Course::commit, {.copied_percent = percent}));
}

TEST_CASE("the power is cut around every record on the way to commit")
{
    CHECK(cut_everywhere(Course::commit) >= 9 / each(7));
}

TEST_CASE("the power is cut around every record on the way back")
{
    CHECK(cut_everywhere(Course::abort) >= 9 / each(7));
}

}  // namespace
}  // namespace belay::trial
