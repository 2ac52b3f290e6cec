// disk.replace with every single accident: each contact with the machine refused, its answer lost, the
// process dead or the power gone at it, each write to the journal lost; and all of it again for runs that are
// aborted on their way.

#include "every_run.h"
#include "trial.h"

#include <doctest/doctest.h>

using namespace belay;
using namespace belay::simulated;
using host::Fault;
using store::MemoryStore;

namespace {

const std::vector<Wish> wishes = {Wish::commit, Wish::abort_when_added, Wish::abort_in_copy,
                                  Wish::abort_when_activated};

Shape shape_named(const std::string& name)
{
    const std::vector<Shape> all = shapes();
    return *std::ranges::find(all, name, &Shape::name);
}

/// The last contacts of a run, enough to see what it was at.
std::string tail(const std::string& log)
{
    constexpr size_t enough = 3000;
    return log.size() > enough ? log.substr(log.size() - enough) : log;
}

void check(const Verdict& verdict, const std::string& what)
{
    for (const std::string& broken : verdict.broken) {
        const std::string story = fmt::format("{}: {}\nended {}: {}\n{}", what, broken,
                                              name_of(verdict.ended), verdict.reason, tail(verdict.log));
        FAIL_CHECK(story);
    }
}

/// A run for every contact that a run without an accident has. What comes before somebody asks it to go back
/// is the same as in the run that is to be committed, and is left to that.
void fault_at_every_contact(const Shape& shape, const std::vector<Wish>& some, Fault::Kind kind,
                            bool power_cut)
{
    size_t runs = 0;
    for (const Wish wish : some) {
        const Verdict whole = try_out(shape, wish);
        runs += whole.contacts - whole.turned_at;
        for_each_of(whole.turned_at + 1, whole.contacts, [&](size_t at) {
            const Accident accident{.contact = Fault{kind, at}, .power_cut = power_cut};
            check(try_out(shape, wish, accident),
                  fmt::format("{}, {}, fault {}{} at contact {}", shape.name, name_of(wish),
                              static_cast<int>(kind), power_cut ? " with the power" : "", at));
        });
    }
    CHECK(runs > 300);
    MESSAGE((runs / stride) << " runs");
}

}  // namespace

TEST_CASE("without an accident every shape is replaced, and goes back from wherever it is aborted")
{
    for (const Shape& shape : shapes()) {
        for (const Wish wish : wishes) {
            const Verdict verdict = try_out(shape, wish);
            check(verdict, fmt::format("{}, {}", shape.name, name_of(wish)));
            CHECK(verdict.held == 0);
            CHECK((verdict.ended == operation::State::committed) == (wish == Wish::commit));
        }
    }
}

TEST_CASE("any contact may be refused")
{
    fault_at_every_contact(shapes()[0], wishes, Fault::Kind::refuse, false);
}

TEST_CASE("the answer of any contact may be lost")
{
    fault_at_every_contact(shapes()[0], wishes, Fault::Kind::lost, false);
}

TEST_CASE("the process may die at any contact")
{
    fault_at_every_contact(shapes()[0], wishes, Fault::Kind::dead, false);
}

TEST_CASE("the power may go at any contact")
{
    fault_at_every_contact(shapes()[0], wishes, Fault::Kind::dead, true);
}

TEST_CASE("the power may go at any contact while whole disks change, and while two mirrors do")
{
    for (const char* name : {"whole disks", "two mirrors, GPT"})
        fault_at_every_contact(shape_named(name), {Wish::commit, Wish::abort_when_activated},
                               Fault::Kind::dead, true);
}

TEST_CASE("any contact may go wrong while md itself copies a member of a RAID5, and on the long way back")
{
    const Shape raid5{.name = "RAID5", .level = "5", .disks = 3};
    for (const auto kind : {Fault::Kind::refuse, Fault::Kind::lost, Fault::Kind::dead})
        fault_at_every_contact(raid5, wishes, kind, false);
    fault_at_every_contact(raid5, wishes, Fault::Kind::dead, true);
}

TEST_CASE("any contact may go wrong while the disk is replaced that starts the host")
{
    const std::vector<Wish> some = {Wish::commit, Wish::abort_when_activated};
    fault_at_every_contact(shape_named("a mirror that starts the host by UEFI"), some, Fault::Kind::lost,
                           false);
    fault_at_every_contact(shape_named("a mirror that starts the host by UEFI"), some, Fault::Kind::dead,
                           true);
    fault_at_every_contact(shape_named("a mirror that starts the host by BIOS"), some, Fault::Kind::dead,
                           true);
}

TEST_CASE("any contact may go wrong while a free place is filled")
{
    for (const auto kind : {Fault::Kind::lost, Fault::Kind::dead})
        fault_at_every_contact(shape_named("a failed member of a RAID5"),
                               {Wish::commit, Wish::abort_when_activated}, kind, false);
    fault_at_every_contact(shape_named("a RAID6's disk that is gone"), {Wish::commit, Wish::abort_in_copy},
                           Fault::Kind::dead, true);
}

TEST_CASE(
    "the power may go at any contact while a failed member is replaced that a boot takes up again or not")
{
    for (const char* name : {"a failed leg of a mirror", "a failed member of a RAID5"}) {
        for (const bool comes_back : {true, false}) {
            Shape shape = shape_named(name);
            shape.comes_back = comes_back;
            shape.name += comes_back ? ", taken up again" : ", left out";
            fault_at_every_contact(shape, {Wish::commit, Wish::abort_when_activated}, Fault::Kind::dead,
                                   true);
        }
    }
}

TEST_CASE("the power may go at any contact while a member of a RAID4 is replaced")
{
    fault_at_every_contact(shape_named("RAID4, GPT"), {Wish::commit}, Fault::Kind::dead, true);
}

TEST_CASE("any write to the journal may be the last, kept or not, and any may be refused")
{
    size_t runs = 0;
    for (const Shape& shape : shapes()) {
        for (const Wish wish : wishes) {
            const size_t writes = try_out(shape, wish).writes;
            for (const auto fault : {MemoryStore::Fault::lost_before, MemoryStore::Fault::lost_after,
                                     MemoryStore::Fault::refuse}) {
                runs += writes;
                for_each_of(1, writes, [&](size_t at) {
                    check(try_out(shape, wish, {.store = fault, .store_at = at}),
                          fmt::format("{}, {}, store fault {} at write {}", shape.name, name_of(wish),
                                      static_cast<int>(fault), at));
                });
            }
        }
    }
    CHECK(runs > 500);
    MESSAGE((runs / stride) << " runs");
}
