#include "storage/listing.h"

#include "base/testing/must.h"

namespace belay::storage {
namespace {

template <typename T>
std::string refusal_of(const Result<T>& result)
{
    REQUIRE(!result);
    CHECK(result.error().kind == ErrorKind::corrupt);
    return result.error().what;
}

// util-linux 2.38: numbers are numbers, flags are true and false.
constexpr std::string_view lsblk_of_2022 = R"({"blockdevices": [
  {"kname":"sda", "pkname":null, "type":"disk", "size":33554432, "model":"WDC WD10", "serial":"S1", "wwn":"0x50014ee2",
   "pttype":"gpt", "ptuuid":"aaaa", "parttype":null, "partuuid":null, "start":null, "log-sec":512, "phy-sec":4096,
   "rota":true, "ro":false, "fstype":null, "uuid":null, "label":null},
  {"kname":"sda1", "pkname":"sda", "type":"part", "size":20971520, "model":null, "serial":null, "wwn":"0x50014ee2",
   "pttype":"gpt", "ptuuid":"aaaa", "parttype":"a19d", "partuuid":"aaaa-01", "start":2048, "log-sec":512,
   "phy-sec":4096, "rota":true, "ro":false, "fstype":"linux_raid_member", "uuid":"u-1", "label":"host:0"}]})";

// util-linux 2.29: everything is a text, flags are "0" and "1".
constexpr std::string_view lsblk_of_2016 = R"({"blockdevices": [
  {"kname":"sda", "pkname":null, "type":"disk", "size":"33554432", "model":"WDC WD10", "serial":"S1",
   "wwn":"0x50014ee2", "pttype":"gpt", "ptuuid":"aaaa", "parttype":null, "partuuid":null, "start":null,
   "log-sec":"512", "phy-sec":"4096", "rota":"1", "ro":"0", "fstype":null, "uuid":null, "label":null},
  {"kname":"sda1", "pkname":"sda", "type":"part", "size":"20971520", "model":null, "serial":null,
   "wwn":"0x50014ee2", "pttype":"gpt", "ptuuid":"aaaa", "parttype":"a19d", "partuuid":"aaaa-01", "start":"2048",
   "log-sec":"512", "phy-sec":"4096", "rota":"1", "ro":"0", "fstype":"linux_raid_member", "uuid":"u-1",
   "label":"host:0"}]})";

constexpr std::string_view gpt_dump =
    R"({"partitiontable": {"label":"gpt", "id":"AAAA0000-0000-4000-8000-000000000000",
  "device":"/dev/nvme0n1", "unit":"sectors", "firstlba":2048, "lastlba":65502, "sectorsize":512, "partitions": [
  {"node":"/dev/nvme0n1p2", "start":2048, "size":40960, "type":"A19D880F-05FC-4D3B-A006-743F0F84911E",
   "uuid":"AAAA0000-0000-4000-8000-000000000001", "name":"raid, \"new\"", "attrs":"LegacyBIOSBootable"}]}})";

constexpr std::string_view mbr_dump =
    R"({"partitiontable": {"label":"dos", "id":"0x1a2b3c4d", "device":"/dev/sdb",
  "unit":"sectors", "partitions": [
  {"node":"/dev/sdb1", "start":2048, "size":20480, "type":"fd", "bootable":true},
  {"node":"/dev/sdb12", "start":24576, "size":8192, "type":"83"}]}})";

}  // namespace

TEST_CASE("lsblk says the same, whether its version writes numbers as numbers or as texts")
{
    for (const std::string_view text : {lsblk_of_2022, lsblk_of_2016}) {
        const std::vector<ListedDevice> devices = must(parse_lsblk(text));
        REQUIRE(devices.size() == 2);
        const ListedDevice& disk = devices[0];
        CHECK(disk.name == "sda");
        CHECK(disk.type == "disk");
        CHECK(disk.parent.empty());
        CHECK(disk.size == 33554432);
        CHECK(disk.model == "WDC WD10");
        CHECK(disk.serial == "S1");
        CHECK(disk.wwn == "0x50014ee2");
        CHECK(disk.table == "gpt");
        CHECK(disk.physical_sector == 4096);
        CHECK(disk.rotational);
        CHECK(!disk.read_only);
        CHECK(!disk.start);
        CHECK(disk.content.type.empty());
        const ListedDevice& partition = devices[1];
        CHECK(partition.parent == "sda");
        CHECK(partition.start == 2048);
        CHECK(partition.partition_uuid == "aaaa-01");
        CHECK(partition.partition_type == "a19d");
        CHECK(partition.content.type == "linux_raid_member");
        CHECK(partition.content.label == "host:0");
    }
}

TEST_CASE("a field that lsblk leaves out, or that is not what it should be, is empty")
{
    const std::vector<ListedDevice> devices = must(parse_lsblk(
        R"({"blockdevices": [{"kname":"sda"}, {"kname":"sdb", "size":-1, "serial":7, "start":"12x", "rota":"yes"},
            {"type":"disk"}, "sdc", null]})"));
    REQUIRE(devices.size() == 2);  // what has no name is nothing
    CHECK(devices[0].size == 0);
    CHECK(devices[0].logical_sector == 512);
    CHECK(devices[1].size == 0);
    CHECK(devices[1].serial.empty());
    CHECK(!devices[1].start);
    CHECK(!devices[1].rotational);
    CHECK(must(parse_lsblk(R"({"blockdevices": []})")).empty());
}

TEST_CASE("an answer that was cut short is refused, wherever it was cut")
{
    for (size_t length = 0; length + 1 < lsblk_of_2022.size(); ++length)
        CHECK(!parse_lsblk(lsblk_of_2022.substr(0, length)));
    for (size_t length = 0; length + 1 < gpt_dump.size(); ++length)
        CHECK(!parse_sfdisk(gpt_dump.substr(0, length)));
    CHECK(!parse_findmnt(R"({"filesystems": [{"target":"/")"));
}

TEST_CASE("what is not from the tool is refused, and the message names the tool")
{
    for (const char* text : {"", "lsblk: unknown column", "[]", "null", "7", "{}", R"({"blockdevices": {}})",
                             R"({"filesystems": []})"})
        CHECK_MESSAGE(!parse_lsblk(text), text);
    CHECK(refusal_of(parse_lsblk("{}")).find("lsblk") != std::string::npos);
    CHECK(refusal_of(parse_findmnt("{}")).find("findmnt") != std::string::npos);
    CHECK(refusal_of(parse_sfdisk(R"({"partitiontable": []})")).find("sfdisk") != std::string::npos);
}

TEST_CASE("findmnt's mounts come with the numbers of their devices")
{
    const std::vector<ListedMount> mounts = must(parse_findmnt(R"({"filesystems": [
        {"maj:min":"0:17", "target":"/", "fstype":"overlay", "options":"rw"},
        {"maj:min":"9:0", "target":"/srv/my data", "fstype":"ext4", "options":"rw,relatime"},
        {"target":null}, {"maj:min":"8:1", "target":"/boot"}]})"));
    REQUIRE(mounts.size() == 3);
    CHECK(mounts[1].numbers == "9:0");
    CHECK(mounts[1].path == "/srv/my data");
    CHECK(mounts[1].type == "ext4");
    CHECK(mounts[1].options == "rw,relatime");
    CHECK(mounts[2].type.empty());
}

TEST_CASE("a GPT as sfdisk tells it")
{
    const PartitionTable table = must(parse_sfdisk(gpt_dump));
    CHECK(table.label == "gpt");
    CHECK(table.id == "AAAA0000-0000-4000-8000-000000000000");
    CHECK(table.first_usable == 2048);
    CHECK(table.last_usable == 65502);
    REQUIRE(table.entries.size() == 1);
    const PartitionTable::Entry& entry = table.entries[0];
    CHECK(entry.number == 2);
    CHECK(entry.start == 2048);
    CHECK(entry.size == 40960);
    CHECK(entry.uuid == "AAAA0000-0000-4000-8000-000000000001");
    CHECK(entry.name == "raid, \"new\"");
    CHECK(entry.attributes == "LegacyBIOSBootable");
    CHECK(!entry.bootable);
}

TEST_CASE("the partitions of an MBR get the ids that the kernel makes for them")
{
    const PartitionTable table = must(parse_sfdisk(mbr_dump));
    CHECK(table.label == "dos");
    CHECK(table.sector_size == 512);  // older versions do not say it
    REQUIRE(table.entries.size() == 2);
    CHECK(table.entries[0].uuid == "1a2b3c4d-01");
    CHECK(table.entries[0].bootable);
    CHECK(table.entries[1].number == 12);
    CHECK(table.entries[1].uuid == "1a2b3c4d-0c");
    CHECK(table.entries[1].type == "83");
}

TEST_CASE("the number of a partition is the one at the end of its name, by-id names included")
{
    const auto number_of = [](const std::string& node) {
        return must(parse_sfdisk(R"({"partitiontable": {"label":"gpt", "partitions": [{"node":")" + node +
                                 R"(", "start":1, "size":1}]}})"))
            .entries.at(0)
            .number;
    };
    CHECK(number_of("/dev/disk/by-id/ata-WDC_WD10_S123-part3") == 3);
    CHECK(number_of("/dev/mmcblk0p10") == 10);
    CHECK(number_of("/tmp/image7") == 7);
}

TEST_CASE("a partition without a place or a number makes the whole table worthless")
{
    for (const char* row : {R"({"node":"/dev/sda1", "size":1})", R"({"node":"/dev/sda1", "start":1})",
                            R"({"node":"/dev/sda", "start":1, "size":1})", R"({"start":1, "size":1})",
                            R"({"node":"/dev/sda1", "start":-1, "size":1})", "7"}) {
        const std::string text =
            fmt::format(R"({{"partitiontable": {{"label":"gpt", "partitions": [{}]}}}})", row);
        CHECK_MESSAGE(!parse_sfdisk(text), row);
    }
}

TEST_CASE("blkid's export is names and values, a value may hold anything")
{
    const auto values = parse_export("DEVNAME=/dev/sda1\nLABEL=a=b c\nTYPE=ext4\n\n=x\nnonsense\nUUID=");
    CHECK(values == std::map<std::string, std::string>{
                        {"DEVNAME", "/dev/sda1"}, {"LABEL", "a=b c"}, {"TYPE", "ext4"}, {"UUID", ""}});
    CHECK(parse_export("").empty());
}

}  // namespace belay::storage
