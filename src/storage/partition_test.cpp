#include "storage/partition.h"

#include <doctest/doctest.h>

namespace belay::storage {
namespace {

PartitionTable gpt(uint64_t sector_size = 512)
{
    return {.label = "gpt",
            .id = "AAAA0000-0000-4000-8000-000000000000",
            .first_usable = 2048,
            .last_usable = 65502,
            .sector_size = sector_size,
            .entries = {{.node = "/dev/sda1",
                         .type = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
                         .name = "EFI, first",
                         .attributes = "RequiredPartition",
                         .uuid = "AAAA0000-0000-4000-8000-000000000001",
                         .number = 1,
                         .start = 2048,
                         .size = 2048},
                        {.node = "/dev/sda3",
                         .type = "A19D880F-05FC-4D3B-A006-743F0F84911E",
                         .name = {},
                         .attributes = {},
                         .uuid = "AAAA0000-0000-4000-8000-000000000003",
                         .number = 3,
                         .start = 4096,
                         .size = 8192}}};
}

PartitionTable mbr()
{
    PartitionTable table{.label = "dos", .id = "0x1a2b3c4d", .entries = {}};
    table.entries.push_back({.node = "/dev/sda2",
                             .type = "fd",
                             .name = {},
                             .attributes = {},
                             .uuid = "1a2b3c4d-02",
                             .number = 2,
                             .start = 63,
                             .size = 1000,
                             .bootable = true});
    return table;
}

/// Bytes that are all different.
std::string random_bytes(size_t count, char first = 0)
{
    std::string bytes;
    for (size_t i = 0; i < count; ++i) bytes += static_cast<char>(first + static_cast<char>(i));
    return bytes;
}

PartitionTable renewed(const PartitionTable& table, char first = 0)
{
    auto copy = partition::with_new_ids(table, random_bytes(16 * (table.entries.size() + 1), first));
    REQUIRE(copy);
    return *copy;
}

Disk blank_disk()
{
    Disk disk;
    disk.name = "sdc";
    disk.by_id = "/dev/disk/by-id/x";
    disk.size = {1 << 20};
    return disk;
}

std::string script_for(const PartitionTable& table)
{
    return partition::write_table(blank_disk(), table).arguments.at("script");
}

}  // namespace

TEST_CASE("the copy of a GPT keeps everything but the ids, and no id twice")
{
    const PartitionTable before = gpt(), copy = renewed(before);
    CHECK(copy.id == "00010203-0405-4607-8809-0a0b0c0d0e0f");
    std::set<std::string> ids = {copy.id, gpt().id};
    REQUIRE(copy.entries.size() == 2);
    for (size_t i = 0; i < copy.entries.size(); ++i) {
        const PartitionTable::Entry &old = before.entries[i], &entry = copy.entries[i];
        CHECK(entry.start == old.start);
        CHECK(entry.size == old.size);
        CHECK(entry.type == old.type);
        CHECK(entry.name == old.name);
        CHECK(entry.attributes == old.attributes);
        CHECK(entry.number == old.number);
        CHECK(ids.insert(old.uuid).second);
        CHECK(ids.insert(entry.uuid).second);
        CHECK(entry.uuid.size() == 36);
        CHECK(entry.uuid[14] == '4');  // a random UUID says that it is one
    }
    CHECK(renewed(gpt(), 100).id != copy.id);
}

TEST_CASE("the copy of an MBR gets a new disk id, and with it new ids of its partitions")
{
    const PartitionTable copy = renewed(mbr(), '\x10');
    CHECK(copy.id == "0x10111213");
    CHECK(copy.entries[0].uuid == "10111213-02");
    CHECK(copy.entries[0].bootable);
    CHECK(partition::path_of(copy.entries[0]) == "/dev/disk/by-partuuid/10111213-02");
}

TEST_CASE("a table of another kind is not copied")
{
    PartitionTable table = gpt();
    table.label = "sun";
    const auto copy = partition::with_new_ids(table, random_bytes(64));
    REQUIRE(!copy);
    CHECK(copy.error().kind == ErrorKind::usage);
    CHECK(copy.error().what.find("sun") != std::string::npos);
}

TEST_CASE("udev writes the ids of partitions in small letters")
{
    CHECK(partition::path_of(gpt().entries[0]) ==
          "/dev/disk/by-partuuid/aaaa0000-0000-4000-8000-000000000001");
}

TEST_CASE("the room for a table is its last partition, and for a GPT the copy behind it, to the sector")
{
    CHECK(partition::room_for(mbr()) == Bytes{1063ULL * 512});
    CHECK(partition::room_for(gpt()) == Bytes{(12288ULL + 33) * 512});
    // 16 KiB of entries are four large sectors; a disk of the same size must be large enough.
    CHECK(partition::room_for(gpt(4096)) == Bytes{(12288ULL + 5) * 4096});
}

TEST_CASE("sfdisk is told the numbers, names with commas and attributes of a GPT")
{
    CHECK(script_for(gpt()) ==
          "label: gpt\n"
          "label-id: AAAA0000-0000-4000-8000-000000000000\n"
          "unit: sectors\n"
          "first-lba: 2048\n"
          "\n"
          "1 : start=2048, size=2048, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, "
          "uuid=AAAA0000-0000-4000-8000-000000000001, name=\"EFI, first\", attrs=\"RequiredPartition\"\n"
          "3 : start=4096, size=8192, type=A19D880F-05FC-4D3B-A006-743F0F84911E, "
          "uuid=AAAA0000-0000-4000-8000-000000000003\n");
}

TEST_CASE("a name that would end its quotes is written as sfdisk writes it")
{
    PartitionTable table = gpt();
    table.entries[0].name = "a \"b\" \\ $x\nc \xc3\xa9";
    CHECK(script_for(table).find(R"(name="a \x22b\x22 \x5c \x24x\x0ac é")") != std::string::npos);
}

TEST_CASE("sfdisk is told which partition of an MBR boots, and no ids, for they follow from the disk's")
{
    CHECK(script_for(mbr()) ==
          "label: dos\n"
          "label-id: 0x1a2b3c4d\n"
          "unit: sectors\n"
          "\n"
          "2 : start=63, size=1000, type=fd, bootable\n");
}

TEST_CASE("the last partition takes all that is behind it, aligned as it begins; no other one can")
{
    const Result<PartitionTable> larger = partition::with_last_enlarged(gpt(), 3, {1 << 30});
    REQUIRE(larger);
    CHECK(larger->entries[1].start == 4096);
    CHECK(larger->entries[1].size == (1 << 21) - 2048 - 4096);
    CHECK(partition::room_for(*larger).count <= 1 << 30);
    CHECK(partition::with_last_enlarged(gpt(), 1, {1 << 30}).error().what.find("is not the last") !=
          std::string::npos);
    CHECK(partition::with_last_enlarged(gpt(), 3, {5 << 20}).error().what.find("no more room") !=
          std::string::npos);
}

TEST_CASE("the plan shows the command with the whole script")
{
    const operation::Act act = partition::write_table(blank_disk(), mbr());
    REQUIRE(act.commands.size() == 1);
    CHECK(act.commands[0].starts_with("printf '%s\\n' 'label: dos' "));
    CHECK(act.commands[0].find(" | sfdisk ") != std::string::npos);
    CHECK(act.commands[0].find(" : start=") != std::string::npos);
    CHECK(act.commands[0].find('\n') == std::string::npos);
    CHECK(act.arguments.at("size") == 1 << 20);
}

}  // namespace belay::storage
