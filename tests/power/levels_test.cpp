// The power of the host is cut while a disk is replaced in arrays that are no mirrors, where md itself copies
// to the joining disk, and where the way back is a copy as well.

#include "trial.h"

#include <doctest/doctest.h>

namespace belay::trial {
namespace {

Trial begin(const lab::Folder& folder, const char* level, unsigned members)
{
    Result<Trial> trial = Trial::begin(folder, {.level = level, .members = members});
    REQUIRE_MESSAGE(trial.has_value(), trial.error().what);
    return *std::move(trial);
}

/// Cuts once; whether the cut came before the operation had ended.
bool cut_once(Trial& trial, Course course, const Cut& cut)
{
    const Result<Ending> ending = trial.with_power_cut(course, cut);
    REQUIRE_MESSAGE(ending.has_value(), cut.text(), ": ", ending.error().what);
    if (course == Course::abort && ending->state != "none") CHECK(ending->state == "aborted");
    return ending->was_cut;
}

}  // namespace

TEST_CASE("RAID5: the power is cut while md copies, and around records on the way to commit")
{
    const lab::Folder folder = *lab::Folder::make();
    Trial trial = begin(folder, "5", 3);
    unsigned cuts = 0;
    for (const unsigned percent : {10, 50, 80})
        cuts += cut_once(trial, Course::commit, {.copied_percent = percent});
    for (const unsigned commit : {4, 5, 6, 7, 8, 9, 10})
        cuts += cut_once(trial, Course::commit, {.before = commit % 2 == 0, .commit = commit});
    CHECK(cuts >= 8);
}

TEST_CASE("RAID5: the power is cut around records on the way back, which is a copy")
{
    const lab::Folder folder = *lab::Folder::make();
    Trial trial = begin(folder, "5", 3);
    unsigned cuts = 0;
    for (const unsigned commit : {5, 6, 7, 8, 9, 10, 11, 12, 13, 14})
        cuts += cut_once(trial, Course::abort, {.before = commit % 2 == 0, .commit = commit});
    CHECK(cuts >= 8);
}

TEST_CASE("RAID10, RAID6 and RAID4: the power is cut in the middle of the copy")
{
    for (const std::string level : {"10", "6", "4"}) {
        const lab::Folder folder = *lab::Folder::make();
        Trial trial = begin(folder, level.c_str(), level == "4" ? 3 : 4);
        CHECK(cut_once(trial, Course::commit, {.copied_percent = 40}));
        cut_once(trial, Course::abort, {.before = true, .commit = 9});
    }
}

}  // namespace belay::trial
