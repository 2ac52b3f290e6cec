#include "storage/parse/sfdisk_dump.h"

#include "base/json.h"
#include "base/testing/must.h"

namespace belay::storage::parse::sfdisk_dump_test {
namespace {

constexpr std::string_view gpt = R"(label: gpt
label-id: AAAA0000-0000-4000-8000-000000000000
device: /dev/nvme0n1
unit: sectors
first-lba: 34
last-lba: 1048542
table-length: 128
grain: 1048576
sector-size: 4096

/dev/nvme0n1p1 : start=        2048, size=       40960, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid=AAAA0000-0000-4000-8000-000000000001, name="EFI, \x22new\x22 \\ \xc3\xa9", attrs="RequiredPartition GUID:63"
/dev/nvme0n1p12 : start=       43008, size=        8192, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, uuid=AAAA0000-0000-4000-8000-000000000002, colour=blue
)";

constexpr std::string_view mbr = R"(label: dos
label-id: 0x1a2b3c4d
device: disk.img
unit: sectors

disk.img1 : start=        2048, size=       20480, type=fd, bootable
disk.img5 : start=       24576, size=        8192, type=83
)";

constexpr std::string_view before_2014 = R"(Warning: extended partition does not start at a cylinder boundary.
DOS and Linux will interpret the contents differently.
# partition table of /dev/sda
unit: sectors

/dev/sda1 : start=       63, size=   208782, Id=83, bootable
/dev/sda2 : start=   208845, size=  4192965, Id= 5
/dev/sda3 : start=        0, size=        0, Id= 0
/dev/sda4 : start=        0, size=        0, Id= 0
)";

std::string refusal_of(std::string_view text)
{
    const auto parsed = parse_sfdisk_dump(text);
    REQUIRE(!parsed);
    CHECK(parsed.error().kind == ErrorKind::corrupt);
    return parsed.error().what;
}

TEST_CASE("sfdisk --dump: a GPT with names that need quotes, and a field from the future")
{
    const SfdiskDump dump = must(parse_sfdisk_dump(gpt));
    CHECK(dump.table.label == "gpt");
    CHECK(dump.table.id == "AAAA0000-0000-4000-8000-000000000000");
    CHECK(dump.device == "/dev/nvme0n1");
    CHECK(dump.sector_size == 4096);
    CHECK(dump.table.first_usable == 34);
    CHECK(dump.table.last_usable == 1048542);
    REQUIRE(dump.table.entries.size() == 2);
    const PartitionTable::Entry& entry = dump.table.entries[0];
    CHECK(entry.number == 1);
    CHECK(entry.name == "EFI, \"new\" \\ \xc3\xa9");
    CHECK(entry.attributes == "RequiredPartition GUID:63");
    CHECK(entry.uuid == "AAAA0000-0000-4000-8000-000000000001");
    CHECK(entry.start == 2048);
    CHECK(dump.table.entries[1].number == 12);
    CHECK(dump.other.at("/dev/nvme0n1p12").at("colour") == "blue");
    const Json json = dump;
    CHECK(json["partitions"][1]["size"] == 8192 * 4096);
    CHECK(json["partitions"][1]["sectors"] == 8192);
    CHECK(json["grain"] == 1048576);
}

TEST_CASE("sfdisk --dump: an MBR, whose partitions are named as the kernel does")
{
    const SfdiskDump dump = must(parse_sfdisk_dump(mbr));
    CHECK(dump.table.label == "dos");
    CHECK(!dump.sector_size);
    REQUIRE(dump.table.entries.size() == 2);
    CHECK(dump.table.entries[0].bootable);
    CHECK(dump.table.entries[0].type == "fd");
    CHECK(dump.table.entries[1].uuid == "1a2b3c4d-05");
    CHECK(!Json(dump)["partitions"][0].contains("size"));
}

TEST_CASE("sfdisk --dump: the form before util-linux 2.26, with its empty places")
{
    const SfdiskDump dump = must(parse_sfdisk_dump(before_2014));
    CHECK(dump.device == "/dev/sda");
    REQUIRE(dump.table.entries.size() == 2);
    CHECK(dump.table.entries[0].bootable);
    CHECK(dump.table.entries[1].type == "5");
}

TEST_CASE("sfdisk --dump: a table without partitions is one")
{
    CHECK(must(parse_sfdisk_dump("label: dos\nlabel-id: 0x1\ndevice: /dev/sda\nunit: sectors\n"))
              .table.entries.empty());
}

TEST_CASE("sfdisk --dump: what is empty, foreign or cut is refused")
{
    CHECK(refusal_of("Disk /dev/sda: 32 GiB\nUnits: sectors of 1 * 512 = 512 bytes\n")
              .find("\"unit: sectors\"") != std::string::npos);
    for (const std::string_view whole : {gpt, mbr, before_2014}) {
        for (size_t length = 0; length < whole.size(); ++length) {
            const auto parsed = parse_sfdisk_dump(whole.substr(0, length));
            if (parsed) CHECK(whole[length - 1] == '\n');
        }
    }
    CHECK(
        refusal_of("label: dos\nunit: sectors\n/dev/sda1 : start= 1, size= x, type=83\n").find("line 3: ") !=
        std::string::npos);
    CHECK(refusal_of("label: dos\nunit: sectors\n/dev/sda1 : start= 1, size= 2, type=83, name=\"x\n")
              .find("line 3: the partition /dev/sda1 is not understood") != std::string::npos);
    CHECK(refusal_of(std::string(mbr) + std::string(mbr)).find("a second table begins here") !=
          std::string::npos);
}

}  // namespace
}  // namespace belay::storage::parse::sfdisk_dump_test
