// The power of the host is cut while a disk is replaced in arrays that are no mirrors, where md itself copies
// to the joining disk, and where the way back is a copy as well.

#include "cut_once.h"
#include "sampling.h"

namespace belay::trial {
namespace {

Trial begin(const lab::Folder& folder, const char* level, unsigned members)
{
    Result<Trial> trial = Trial::begin(folder, {.level = level, .members = members});
    REQUIRE_MESSAGE(trial.has_value(), trial.error().what);
    return *std::move(trial);
}

}  // namespace

TEST_CASE("RAID5: the power is cut while md copies, and around records on the way to commit")
{
    const lab::Folder folder = *lab::Folder::make();
    Trial trial = begin(folder, "5", 3);
    unsigned cuts = 0;
    for (unsigned percent = 10; percent <= 80; percent += 35 * each(3))
        cuts += cut_once(trial, Course::commit, {.copied_percent = percent});
    for (unsigned commit = 5; commit <= 11; commit += each(5))
        cuts += cut_once(trial, Course::commit, {.before = commit % 2 == 0, .commit = commit});
    CHECK(cuts >= (is_whole() ? 8 : 2));
}

TEST_CASE("RAID5: the power is cut around records on the way back, which is a copy")
{
    const lab::Folder folder = *lab::Folder::make();
    Trial trial = begin(folder, "5", 3);
    unsigned cuts = 0;
    for (unsigned commit = 6; commit <= 15; commit += each(7))
        cuts += cut_once(trial, Course::abort, {.before = commit % 2 == 0, .commit = commit});
    CHECK(cuts >= (is_whole() ? 8 : 1));
}

TEST_CASE("RAID10, RAID6 and RAID4: the power is cut in the middle of the copy" * before_release())
{
    for (const std::string level : {"10", "6", "4"}) {
        const lab::Folder folder = *lab::Folder::make();
        Trial trial = begin(folder, level.c_str(), level == "4" ? 3 : 4);
        CHECK(cut_once(trial, Course::commit, {.copied_percent = 40}));
        cut_once(trial, Course::abort, {.before = true, .commit = 10});
    }
}

}  // namespace belay::trial
