// disk.replace with every single accident: each contact with the machine refused, its answer lost, the
// process dead or the power gone at it, each write to the journal lost; and all of it again for runs that are
// aborted on their way.

#include "every_run.h"

using namespace belay;
using namespace belay::simulated;
using host::Fault;

namespace {

Shape shape_named(const std::string& name)
{
    const std::vector<Shape> all = shapes();
    return *std::ranges::find(all, name, &Shape::name);
}

const Task replace;

/// A run for every contact, for each kind of mishap.
void fault_at_every_contact(const Shape& shape, const std::vector<Wish>& some,
                            const std::vector<Mishap>& mishaps)
{
    for (const Mishap& mishap : mishaps) {
        const size_t runs = mishap_at_every_contact({shape.name, shape, replace, some}, {mishap});
        CHECK(runs > 300);
        MESSAGE((runs / stride) << " runs");
    }
}

}  // namespace

TEST_CASE("without an accident every shape is replaced, and goes back from wherever it is aborted")
{
    for (const Shape& shape : shapes()) without_accident({shape.name, shape, replace, all_wishes});
}

TEST_CASE("any contact may be refused")
{
    fault_at_every_contact(shapes()[0], all_wishes, {{Fault::Kind::refuse}});
}

TEST_CASE("the answer of any contact may be lost")
{
    fault_at_every_contact(shapes()[0], all_wishes, {{Fault::Kind::lost}});
}

TEST_CASE("the process may die at any contact")
{
    fault_at_every_contact(shapes()[0], all_wishes, {{Fault::Kind::dead}});
}

TEST_CASE("the power may go at any contact")
{
    fault_at_every_contact(shapes()[0], all_wishes, {{Fault::Kind::dead, true}});
}

TEST_CASE("the power may go at any contact while whole disks change, and while two mirrors do")
{
    for (const char* name : {"whole disks", "two mirrors, GPT"})
        fault_at_every_contact(shape_named(name), {Wish::commit, Wish::abort_when_activated},
                               {{Fault::Kind::dead, true}});
}

TEST_CASE("any contact may go wrong while md itself copies a member of a RAID5, and on the long way back")
{
    const Shape raid5{.name = "RAID5", .level = "5", .disks = 3};
    fault_at_every_contact(raid5, all_wishes, every_mishap);
}

TEST_CASE("any contact may go wrong while the disk is replaced that starts the host")
{
    const std::vector<Wish> some = {Wish::commit, Wish::abort_when_activated};
    fault_at_every_contact(shape_named("a mirror that starts the host by UEFI"), some,
                           {{Fault::Kind::lost}, {Fault::Kind::dead, true}});
    fault_at_every_contact(shape_named("a mirror that starts the host by BIOS"), some,
                           {{Fault::Kind::dead, true}});
}

TEST_CASE("any contact may go wrong while a free place is filled")
{
    fault_at_every_contact(shape_named("a failed member of a RAID5"),
                           {Wish::commit, Wish::abort_when_activated},
                           {{Fault::Kind::lost}, {Fault::Kind::dead}});
    fault_at_every_contact(shape_named("a RAID6's disk that is gone"), {Wish::commit, Wish::abort_in_copy},
                           {{Fault::Kind::dead, true}});
}

TEST_CASE(
    "the power may go at any contact while a failed member is replaced that a boot takes up again or not")
{
    for (const char* name : {"a failed leg of a mirror", "a failed member of a RAID5"}) {
        for (const bool comes_back : {true, false}) {
            Shape shape = shape_named(name);
            shape.comes_back = comes_back;
            shape.name += comes_back ? ", taken up again" : ", left out";
            fault_at_every_contact(shape, {Wish::commit, Wish::abort_when_activated},
                                   {{Fault::Kind::dead, true}});
        }
    }
}

TEST_CASE("the power may go at any contact while a member of a RAID4 is replaced")
{
    fault_at_every_contact(shape_named("RAID4, GPT"), {Wish::commit}, {{Fault::Kind::dead, true}});
}

TEST_CASE("any write to the journal may be the last, kept or not, and any may be refused")
{
    size_t runs = 0;
    for (const Shape& shape : shapes())
        runs += mishap_at_every_write({shape.name, shape, replace, all_wishes});
    CHECK(runs > 500);
    MESSAGE((runs / stride) << " runs");
}
