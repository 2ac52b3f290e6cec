// array.grow with every single accident: two larger disks join a mirror, the smaller ones go, the array and
// its filesystem grow.

#include "every_run.h"
#include "trial.h"

#include <doctest/doctest.h>

using namespace belay;
using namespace belay::simulated;
using host::Fault;

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

void kept_all(const Verdict& verdict, const std::string& what)
{
    for (const std::string& broken : verdict.broken)
        FAIL_CHECK(
            what << ": " << broken << " (" << verdict.reason << ")\n"
                 << verdict.log.substr(verdict.log.size() - std::min<size_t>(verdict.log.size(), 3000)));
}

}  // namespace

TEST_CASE("a mirror grows onto larger disks with its filesystem, and goes back from wherever it is aborted")
{
    for (const Wish wish :
         {Wish::commit, Wish::abort_when_added, Wish::abort_in_copy, Wish::abort_when_activated}) {
        const Verdict verdict = try_out(larger, wish, {}, grow);
        kept_all(verdict, std::string(name_of(wish)));
        CHECK((verdict.ended == operation::State::committed) == (wish == Wish::commit));
    }
}

TEST_CASE("any contact of a growth may be refused, its answer lost, the process or the power gone at it")
{
    struct Kind {
        Fault::Kind kind;
        bool power;
    };
    size_t runs = 0;
    for (const Wish wish : {Wish::commit, Wish::abort_when_activated}) {
        const Verdict whole = try_out(larger, wish, {}, grow);
        for (const auto& [kind, power] : {Kind{Fault::Kind::refuse, false}, Kind{Fault::Kind::lost, false},
                                          Kind{Fault::Kind::dead, false}, Kind{Fault::Kind::dead, true}}) {
            runs += whole.contacts - whole.turned_at;
            for_each_of(whole.turned_at + 1, whole.contacts, [&](size_t at) {
                kept_all(try_out(larger, wish, {.contact = Fault{kind, at}, .power_cut = power}, grow),
                         fmt::format("{}, fault {}{} at contact {}", name_of(wish), static_cast<int>(kind),
                                     power ? " with the power" : "", at));
            });
        }
    }
    CHECK(runs > 1000);
    MESSAGE((runs / stride) << " runs");
}
