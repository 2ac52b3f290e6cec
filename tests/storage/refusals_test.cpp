// What the procedures on tables, arrays and disks refuse on a machine that the lab cannot show: other
// sectors, disks past 2 TiB, logical partitions, ids that are there twice.

#include "base/testing/must.h"
#include "procedures/procedures.h"
#include "shapes.h"
#include "storage/locate.h"
#include "storage/md_assembly.h"
#include "storage/partition_copy.h"
#include "storage/probe.h"

#include <doctest/doctest.h>

namespace belay::simulated::refusals {
namespace {

using storage::PartitionTable;

PartitionTable table_of(const std::string& label, uint64_t sector, uint64_t start, uint64_t size)
{
    return {.label = label,
            .id = "1",
            .first_usable = label == "gpt" ? 34U : 0U,
            .sector_size = sector,
            .entries = {{.node = {},
                         .type = "83",
                         .name = {},
                         .attributes = {},
                         .uuid = "u",
                         .number = 1,
                         .start = start,
                         .size = size}}};
}

std::string refusal(const Result<PartitionTable>& table)
{
    return table ? "accepted" : table.error().what;
}

TEST_CASE("a table keeps its places in bytes on a disk of other sectors, or is refused")
{
    using storage::partition::in_sectors_of;
    const PartitionTable large = must(in_sectors_of(table_of("gpt", 512, 2048, 4096), 4096));
    CHECK(large.entries[0].start == 256);
    CHECK(large.entries[0].size == 512);
    CHECK(large.first_usable == 6);
    CHECK(large.sector_size == 4096);
    const PartitionTable small = must(in_sectors_of(table_of("gpt", 4096, 256, 512), 512));
    CHECK(small.entries[0].start == 2048);
    CHECK(small.entries[0].size == 4096);
    CHECK(refusal(in_sectors_of(table_of("gpt", 512, 2049, 4096), 4096))
              .contains("partition 1 cannot lie at the same place"));
    CHECK(refusal(in_sectors_of(table_of("gpt", 512, 2048, 4097), 4096))
              .contains("cannot lie at the same place"));
    CHECK(refusal(in_sectors_of(table_of("gpt", 512, 40, 4096), 4096)).contains("where the table itself"));
    CHECK(refusal(in_sectors_of(table_of("dos", 4096, 256, 1ULL << 30), 512)).contains("beyond what an MBR"));
    const PartitionTable same = must(in_sectors_of(table_of("dos", 512, 63, 100), 512));
    CHECK(same.entries[0].start == 63);
}

TEST_CASE("an MBR is not copied to a disk that it cannot count, nor one with logical partitions")
{
    storage::Disk disk{.name = "sdx",
                       .by_id = "x",
                       .links = {},
                       .model = {},
                       .serial = "BIG",
                       .wwn = {},
                       .size = {2ULL << 40},
                       .table = {},
                       .table_id = {},
                       .partitions = {},
                       .content = {}};
    const PartitionTable mbr = table_of("dos", 512, 63, 100);
    CHECK(storage::partition::reaches_the_end(mbr, disk).has_value());
    disk.size.count += 512;
    const auto refused = storage::partition::reaches_the_end(mbr, disk);
    REQUIRE(!refused);
    CHECK(refused.error().what == "BIG (/dev/sdx) has 2 TiB, and an MBR ends at 2 TiB: it wants a GPT");
    CHECK(storage::partition::reaches_the_end(table_of("gpt", 512, 63, 100), disk).has_value());
    disk.logical_sector = 4096;
    CHECK(storage::partition::reaches_the_end(mbr, disk).has_value());

    PartitionTable logical = mbr;
    logical.entries[0].type = "f";
    CHECK(!storage::partition::can_be_copied(logical, "x"));
    logical.entries[0] = mbr.entries[0];
    logical.entries[0].number = 5;
    CHECK(!storage::partition::can_be_copied(logical, "x"));
    PartitionTable empty = mbr;
    empty.entries.clear();
    CHECK(!storage::partition::can_be_copied(empty, "x"));
    CHECK(storage::partition::can_be_copied(mbr, "x").has_value());
}

TEST_CASE("two partitions with one PARTUUID are seen, and a table is not copied beside them")
{
    const auto machine = build(shapes()[0]);
    operation::Catalogue catalogue;
    procedures::fill(catalogue);
    const auto unique = [&](const std::string& except) {
        return must(catalogue.ask(machine->host(), storage::partition::ids_are_unique(except)));
    };
    CHECK(unique("").verdict == operation::Verdict::pass);
    machine->plug({.name = "sdd", .size = {192 << 10}, .serial = "TWIN", .by_id = "ata-TWIN"});
    machine->host().change([](host::Machine& m) { m.find("/dev/sdd")->bytes = m.find("/dev/sda")->bytes; });
    REQUIRE(must(machine->host().run({.argv = {"blockdev", "--rereadpt", "/dev/sdd"}})).exit_code == 0);
    const operation::Finding twice = unique("");
    CHECK(twice.verdict == operation::Verdict::fail);
    CHECK(twice.found.contains("/dev/sda1 and /dev/sdd1 are both"));
    CHECK(unique("/dev/disk/by-id/ata-TWIN").verdict == operation::Verdict::pass);
}

TEST_CASE("a raid10 runs with one of each pair missing, and no more")
{
    const auto runs = [](const std::string& there) {
        storage::md::NewArray array;
        array.level = "raid10";
        array.bitmap = "internal";
        for (const char c : there) {
            array.members.emplace_back();
            if (c == 'U') array.members.back().emplace();
        }
        return storage::md::makes_sense(array).has_value();
    };
    CHECK(runs("UUUU"));
    CHECK(runs("U__U"));
    CHECK(runs("_U_U"));
    CHECK(!runs("__UU"));
    CHECK(!runs("UU__"));
    CHECK(runs("UU_"));
    CHECK(!runs("U__"));  // the last one and the first are neighbours, as are the second and the third
}

TEST_CASE("ledctl is asked only where it lists the controller that the disk is at")
{
    const auto machine = build(shapes()[0]);
    const storage::Inventory inventory = must(storage::read_inventory(machine->host()));
    CHECK(!must(storage::locate::has_light(machine->host(), inventory.disks[0])));  // no ledctl
    std::string listed = "/sys/devices/pci0000:00/0000:00:17.0 (AHCI)\n";
    machine->host().install("ledctl", [&](host::Machine&, const host::Command&) -> Result<host::Outcome> {
        return host::Outcome{.exit_code = 0, .out = listed, .err = {}};
    });
    CHECK(!must(storage::locate::has_light(machine->host(), inventory.disks[0])));
    listed += "/sys/devices/simulated/host0 (SCSI)\n";
    CHECK(must(storage::locate::has_light(machine->host(), inventory.disks[0])));
}

}  // namespace
}  // namespace belay::simulated::refusals
