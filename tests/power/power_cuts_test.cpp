// The power of the host is cut, in the middle of everything, on a real mirror under load.

#include "trial.h"

#include <doctest/doctest.h>

namespace belay::trial {
namespace {

void cut_at(Course course, const std::vector<Cut>& cuts)
{
    lab::Folder folder = *lab::Folder::make();
    Result<Trial> trial = Trial::begin(folder);
    REQUIRE_MESSAGE(trial.has_value(), trial.error().what);
    unsigned came = 0;
    for (const Cut& cut : cuts) {
        const Result<Ending> ending = trial->with_power_cut(course, cut);
        REQUIRE_MESSAGE(ending.has_value(), cut.text(), ": ", ending.error().what);
        if (ending->was_cut) ++came;
        if (course == Course::abort && ending->state != "none") CHECK(ending->state == "aborted");
    }
    CHECK(came == cuts.size());
}

std::vector<Cut> around_commits(unsigned first, unsigned last)
{
    std::vector<Cut> cuts;
    for (unsigned commit = first; commit <= last; ++commit) {
        cuts.push_back({.before = true, .commit = commit});
        cuts.push_back({.before = false, .commit = commit});
    }
    return cuts;
}

TEST_CASE("the power is cut while the disk is copied")
{
    cut_at(Course::commit, {{.copied_percent = 10}, {.copied_percent = 50}, {.copied_percent = 80}});
}

TEST_CASE("the power is cut around every record on the way to commit")
{
    cut_at(Course::commit, around_commits(2, 11));
}

TEST_CASE("the power is cut around every record on the way back")
{
    cut_at(Course::abort, around_commits(8, 13));
}

}  // namespace
}  // namespace belay::trial
