// Drills: the disk that is there is not the one that was meant. Each is refused with the reason, or found by
// the name that lasts; nothing is ever written to another disk.

#include "desk.h"

using namespace belay;
using namespace belay::simulated;
using operation::State;
using operation::Verb;

namespace {

const operation::Asker person{"root", "a drill"};
const DiskSetup blank{.name = "sdc",
                      .size = {192 << 10},
                      .serial = joining_serial,
                      .model = "SIMULATED",
                      .by_id = "ata-SIMULATED_" + joining_serial};

/// Steps until the engine wants to wait for a person.
State serve(Desk& desk, const operation::Id& id)
{
    for (int turn = 0; turn < 1000; ++turn) {
        const auto next = desk.engine->step(id);
        REQUIRE(next);
        if (next->when == operation::Next::When::idle) break;
        const State state = desk.engine->show(id)->operation.state;
        if (state == State::activated) break;
        if (next->when == operation::Next::When::at) desk.machine->host().advance(std::chrono::seconds(1));
    }
    return desk.engine->show(id)->operation.state;
}

operation::Id added(Desk& desk)
{
    const auto kept = desk.ask(leaving_serial, joining_serial);
    REQUIRE(kept);
    REQUIRE(desk.engine->request(kept->id, Verb::add, person));
    REQUIRE(serve(desk, kept->id) == State::added);
    return kept->id;
}

std::string bytes_of(Desk& desk, const std::string& disk)
{
    return desk.machine->host().machine().nodes.at("/dev/" + disk).bytes;
}

/// Activate is refused; the sentence says `what`; the disk that is there now is not touched.
void refuses_to_activate(Desk& desk, const operation::Id& id, const std::string& what)
{
    const std::string before = bytes_of(desk, "sdc");
    const auto answer = desk.engine->request(id, Verb::activate, person);
    REQUIRE(!answer);
    CHECK_MESSAGE(answer.error().what.find(what) != std::string::npos, answer.error().what);
    CHECK(desk.engine->show(id)->operation.state == State::added);
    CHECK(bytes_of(desk, "sdc") == before);
    CHECK(desk.machine->members("md0") == std::set<std::string>{"sda1", "sdb1"});
}

}  // namespace

TEST_CASE("a model is no name: two disks of the same model are told apart by what is written on them")
{
    Desk desk;
    desk.refuses("no disk SIMULATED on this host; there are SIM0001 (/dev/sda), SIM0002 (/dev/sdb)",
                 leaving_serial, "SIMULATED");
}

TEST_CASE("the names of the disks change between plan and activate: the right disk is found by its own name")
{
    Desk desk;
    const operation::Id id = added(desk);
    // The disk comes back as another sdX, and a blank one has taken its old name.
    const std::string table = bytes_of(desk, "sdc");
    desk.machine->unplug("sdc");
    desk.machine->plug({.name = "sdc", .size = {192 << 10}, .serial = "OTHER", .by_id = "ata-OTHER"});
    DiskSetup moved = blank;
    moved.name = "sdd";
    desk.machine->plug(moved, table);
    const std::string other = bytes_of(desk, "sdc");
    REQUIRE(desk.engine->request(id, Verb::activate, person));
    CHECK(serve(desk, id) == State::activated);
    CHECK(desk.machine->legs_in_sync("md0") == std::set<std::string>{"sda1", "sdb1", "sdd1"});
    CHECK(bytes_of(desk, "sdc") == other);
}

TEST_CASE("a serial that appears twice is refused when it is planned, and when the twin comes later")
{
    SUBCASE("when it is planned")
    {
        Desk desk;
        DiskSetup twin = blank;
        twin.name = "sdd";
        twin.by_id = "ata-SIMULATED_other_path";
        desk.machine->plug(twin);
        desk.refuses("two disks answer to SIM0003", leaving_serial, joining_serial);
        desk.refuses("have the same serial and WWN, so nobody can tell them apart", leaving_serial,
                     "/dev/sdc");
    }
    SUBCASE("later")
    {
        Desk desk;
        const operation::Id id = added(desk);
        DiskSetup twin = blank;
        twin.name = "sdd";
        twin.by_id = "";
        desk.machine->plug(twin);
        refuses_to_activate(desk, id, "/dev/sdc and /dev/sdd both have serial SIM0003");
    }
}

TEST_CASE("the disk is swapped in its bay between add and activate")
{
    Desk desk;
    const operation::Id id = added(desk);
    desk.machine->unplug("sdc");
    SUBCASE("for another one")
    {
        DiskSetup other = blank;
        other.serial = "OTHER";
        other.by_id = "ata-OTHER";
        desk.machine->plug(other);
        refuses_to_activate(desk, id, "ata-SIMULATED_SIM0003");
    }
    SUBCASE("for one that udev gives the same name")
    {
        DiskSetup other = blank;
        other.serial = "OTHER";
        desk.machine->plug(other);
        refuses_to_activate(desk, id, "serial OTHER");
    }
    SUBCASE("for one that pretends to be it, and is smaller")
    {
        DiskSetup other = blank;
        other.size = {128 << 10};
        desk.machine->plug(other);
        refuses_to_activate(desk, id, "131072 bytes");
    }
    SUBCASE("for the same one, wiped meanwhile: the table that was added is not there")
    {
        desk.machine->plug(blank);
        const std::string before = bytes_of(desk, "sdc");
        static_cast<void>(desk.engine->request(id, Verb::activate, person));
        CHECK(serve(desk, id) == State::aborted);
        CHECK(bytes_of(desk, "sdc") == before);
        CHECK(desk.machine->members("md0") == std::set<std::string>{"sda1", "sdb1"});
    }
}
