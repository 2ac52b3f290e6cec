// What disk.replace refuses: one clear sentence, what to do, and a machine on which nothing has changed.

#include "desk.h"

using namespace belay;
using namespace belay::simulated;

TEST_CASE("an unknown disk, and no disk at all")
{
    Desk desk;
    desk.refuses("no disk S9 on this host; there are", leaving_serial, "S9");
    desk.refuses("no disk S9 on this host; there are", "S9");
    desk.refuses("disk.replace wants --joining", leaving_serial, "");
    desk.refuses("no array lacks a member", "");
}

TEST_CASE("a disk cannot replace itself, by whatever names it is called")
{
    Desk desk;
    desk.refuses("cannot replace itself", leaving_serial, leaving_serial);
    desk.refuses("cannot replace itself", leaving_serial, "/dev/sda");
}

TEST_CASE("a disk that is in use does not join")
{
    SUBCASE("mounted")
    {
        Desk desk;
        desk.run({"mke2fs", "-L", "other", "-U", "u", "/dev/sdc"});
        desk.run({"mount", "/dev/sdc", "/mnt"});
        desk.refuses("/dev/sdc is mounted on /mnt");
    }
    SUBCASE("a filesystem that is not mounted")
    {
        Desk desk;
        desk.run({"mke2fs", "-L", "other", "-U", "u", "/dev/sdc"});
        desk.refuses("/dev/sdc holds ext4");
    }
    SUBCASE("swap")
    {
        Desk desk;
        desk.machine->use_as_swap("sdc");
        desk.refuses("/dev/sdc is mounted on [SWAP]");
    }
    SUBCASE("under something else")
    {
        Desk desk;
        desk.machine->stack("sdc", "dm-0");
        desk.refuses("/dev/sdc is part of dm-0");
    }
    SUBCASE("a partition table, even an empty one")
    {
        Desk desk;
        desk.run({"sfdisk", "/dev/sdc"}, "label: gpt\nlabel-id: 9\n");
        desk.refuses("it has a partition table (gpt) with 0 partitions");
    }
    SUBCASE("the other leg of the same mirror")
    {
        Desk desk;
        desk.refuses("is part of md0", leaving_serial, staying_serial);
    }
    SUBCASE("the superblock of a mirror that is gone")
    {
        Desk desk(shapes()[2]);
        desk.run({"mdadm", "--manage", "/dev/md0", "--add", "/dev/sdc"});
        desk.run({"mdadm", "--manage", "/dev/md0", "--remove", "/dev/sdc"});
        desk.refuses("/dev/sdc holds linux_raid_member");
    }
}

TEST_CASE("one sector too few is refused, and just enough is accepted")
{
    for (Shape shape : shapes()) {
        const bool other_sectors = shape.joining_sector != 0 && shape.joining_sector != shape.logical_sector;
        if (shape.label.empty() || other_sectors || shape.leaving == Shape::Leaving::gone) continue;
        const uint64_t tail = shape.label == "gpt" ? 16384 / shape.logical_sector + 1 : 0;
        const Bytes enough{(end_of_partitions(shape) + tail) * shape.logical_sector};
        CAPTURE(shape.name);
        shape.joining = {enough.count - shape.logical_sector};
        Desk(shape).refuses(fmt::format("{} too few", shape.logical_sector));
        shape.joining = enough;
        CHECK(Desk(shape).ask(leaving_serial, joining_serial));
    }
    Shape whole = shapes()[2];
    whole.joining.count -= 512;
    Desk(whole).refuses("512 too few");
}

TEST_CASE("sectors of another size are refused")
{
    Desk desk;
    desk.machine->plug(
        {.name = "sdd", .size = {192 << 10}, .serial = "BIG", .logical_sector = 4096, .by_id = "ata-BIG"});
    desk.refuses("joining.sectors: 4096 bytes", leaving_serial, "BIG");
    Shape whole = shapes()[2];
    whole.joining_sector = 4096;
    Desk(whole).refuses("joining.sectors: 4096 bytes");
}

TEST_CASE("a disk without a name that lasts is refused")
{
    Desk desk;
    desk.machine->plug({.name = "sdd", .size = {192 << 10}, .serial = "BARE"});
    desk.refuses("has no name under /dev/disk/by-id", leaving_serial, "BARE");
}

TEST_CASE("a disk that carries no mirror cannot leave")
{
    Desk desk;
    desk.refuses("is no member of a running array", joining_serial, leaving_serial);
    desk.machine->plug({.name = "sdd", .size = {192 << 10}, .serial = "SWAP", .by_id = "ata-SWAP"});
    desk.machine->use_as_swap("sdd");
    desk.refuses("is no member of a running array", "SWAP");
}

TEST_CASE("a mirror that is degraded, or is just being copied, is left alone")
{
    SUBCASE("degraded")
    {
        Desk desk;
        desk.machine->break_leg("md0", "sdb1");
        desk.refuses("array.in-sync");
    }
    SUBCASE("the one that leaves has failed, and another has as well")
    {
        Desk desk({.level = "6", .disks = 4});
        desk.machine->break_leg("md0", "sda1");
        desk.machine->break_leg("md0", "sdb1");
        desk.refuses("array.lacks-one");
    }
    SUBCASE("a spare is there, which md would take first")
    {
        Desk desk(shapes()[2]);
        desk.machine->plug({.name = "sdd", .size = {192 << 10}, .serial = "MORE", .by_id = "ata-MORE"});
        desk.run({"mdadm", "--manage", "/dev/md0", "--add", "/dev/sdd"});
        desk.refuses("array.no-spare");
    }
    SUBCASE("being copied")
    {
        Desk desk(shapes()[2]);
        desk.machine->plug({.name = "sdd", .size = {192 << 10}, .serial = "MORE", .by_id = "ata-MORE"});
        desk.run({"mdadm", "--manage", "/dev/md0", "--add", "/dev/sdd"});
        desk.run({"mdadm", "--grow", "/dev/md0", "--raid-devices=3"});
        desk.machine->host().advance(std::chrono::seconds(1));
        desk.refuses("recover");
    }
}

TEST_CASE("an array without redundancy cannot do without a member")
{
    Desk desk({.level = "0"});
    desk.refuses("which has no redundancy");
}

TEST_CASE("a disk that is gone: the others must agree whose table the new one is to have")
{
    Desk desk({.leaving = Shape::Leaving::gone});
    desk.machine->plug({.name = "sdx", .size = {192 << 10}, .serial = "X", .by_id = "ata-X"});
    desk.machine->plug({.name = "sdy", .size = {192 << 10}, .serial = "Y", .by_id = "ata-Y"});
    desk.run({"mdadm", "--create", "/dev/md9", "--level=1", "--raid-devices=2",
              "--uuid=99999999:99999999:99999999:99999999", "/dev/sdx", "/dev/sdy"});
    desk.machine->break_leg("md9", "sdx");
    desk.run({"mdadm", "--manage", "/dev/md9", "--remove", "/dev/sdx"});
    desk.machine->unplug("sdx");
    desk.refuses("carry different arrays that lack a member", "");
}

TEST_CASE("two operations do not work on one disk")
{
    Desk desk;
    desk.machine->plug({.name = "sdd", .size = {192 << 10}, .serial = "FOURTH", .by_id = "ata-FOURTH"});
    const auto first = desk.ask(leaving_serial, joining_serial);
    REQUIRE(first);
    const auto second = desk.ask(leaving_serial, "FOURTH");
    REQUIRE(second);  // a plan takes no lock
    REQUIRE(desk.engine->request(first->id, operation::Verb::add, {"root", "a test"}));
    const host::Machine before = desk.machine->host().machine();
    const auto refused = desk.engine->request(second->id, operation::Verb::add, {"root", "a test"});
    REQUIRE(!refused);
    CHECK(refused.error().kind == ErrorKind::busy);
    CHECK(refused.error().what.find("operation " + first->id) != std::string::npos);
    CHECK(!refused.error().next.empty());
    CHECK(desk.machine->host().machine().nodes == before.nodes);
}
