// array.grow with every single accident: two larger disks join a mirror, the smaller ones go, the array and
// its filesystem grow.

#include "every_run.h"

using namespace belay;
using namespace belay::simulated;

namespace {

const Shape larger{.name = "larger disks", .joining = {320 << 10}, .two_join = true};

std::string wrong_with_growth(const SimulatedStorage& machine, bool)
{
    if (machine.legs_in_sync("md0") != std::set<std::string>{joining_disk + "1", second_joining_disk + "1"} ||
        machine.legs_wanted("md0") != 2)
        return "md0 does not stand on the larger disks";
    if (machine.has_superblock("sda1") || machine.has_superblock("sdb1"))
        return "an old leg has its superblock";
    if (machine.filesystem_size("md0") != machine.data_of("md0").begin()->second.size())
        return "the filesystem does not fill the array";
    return machine.filesystem_size("md0") > 100 << 10 ? "" : "nothing has grown";
}

const Task grow{"array.grow",
                {{"array", "md0"},
                 {"leaving", leaving_serial + "," + staying_serial},
                 {"joining", joining_serial + "," + second_joining_serial}},
                wrong_with_growth,
                nullptr,
                {joining_disk, second_joining_disk}};

const std::vector<Wish> commit_or_abort = {Wish::commit, Wish::abort_when_activated};

}  // namespace

TEST_CASE("a mirror grows onto larger disks with its filesystem, and goes back from wherever it is aborted")
{
    without_accident({"array.grow", larger, grow, all_wishes});
}

TEST_CASE("any contact of a growth may be refused, its answer lost, the process or the power gone at it")
{
    const size_t runs = mishap_at_every_contact({"array.grow", larger, grow, commit_or_abort}, every_mishap);
    CHECK(runs > 1000);
    MESSAGE((runs / stride) << " runs");
}
