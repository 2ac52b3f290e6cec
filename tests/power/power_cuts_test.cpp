// The power of the host is cut, in the middle of everything, on a real mirror under load.

#include "cut_once.h"

namespace belay::trial {
namespace {

/// Cuts before and after every commit until an operation ends before the cut comes; how many cuts there were.
unsigned cut_everywhere(Course course)
{
    const lab::Folder folder = *lab::Folder::make();
    Result<Trial> trial = Trial::begin(folder);
    REQUIRE_MESSAGE(trial.has_value(), trial.error().what);
    unsigned cuts = 0;
    for (unsigned commit = 1;; ++commit) {
        unsigned came = 0;
        for (const bool before : {true, false})
            if (cut_once(*trial, course, {.before = before, .commit = commit})) ++came;
        if (came == 0) return cuts;
        cuts += came;
    }
}

TEST_CASE("the power is cut while the disk is copied")
{
    const lab::Folder folder = *lab::Folder::make();
    Result<Trial> trial = Trial::begin(folder);
    REQUIRE_MESSAGE(trial.has_value(), trial.error().what);
    for (const unsigned percent : {10, 50, 80})
        CHECK(cut_once(*trial, Course::commit, {.copied_percent = percent}));
}

TEST_CASE("the power is cut around every record on the way to commit")
{
    CHECK(cut_everywhere(Course::commit) >= 14);
}

TEST_CASE("the power is cut around every record on the way back")
{
    CHECK(cut_everywhere(Course::abort) >= 14);
}

}  // namespace
}  // namespace belay::trial
