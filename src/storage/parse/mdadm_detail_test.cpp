#include "storage/parse/mdadm_detail.h"

#include "base/json.h"
#include "base/testing/must.h"

namespace belay::storage::parse::mdadm_detail_test {
namespace {

constexpr std::string_view reshaping = R"(/dev/md/data:
           Version : 1.2
     Creation Time : Fri Mar  1 10:00:00 2024
        Raid Level : raid5
        Array Size : 11720780800 (10.92 TiB 12.00 TB)
     Used Dev Size : 5860390400 (5.46 TiB 6.00 TB)
      Raid Devices : 4
     Total Devices : 5
       Persistence : Superblock is persistent

     Intent Bitmap : Internal

       Update Time : Fri Mar  1 12:00:00 2024
             State : active, degraded, reshaping (DELAYED)
    Active Devices : 3
   Working Devices : 4
    Failed Devices : 1
     Spare Devices : 1

            Layout : left-symmetric
        Chunk Size : 512K

Consistency Policy : bitmap

    Reshape Status : 56% complete
     Delta Devices : 1, (3->4)
        New Layout : right-asymmetric
     New Chunksize : 64K

              Name : big host:data  (local to host big host)
              UUID : aaaaaaaa:bbbbbbbb:cccccccc:dddddddd
            Events : 4711
      Cluster Name : none of that kind

    Number   Major   Minor   RaidDevice State
       0       8        1        0      active sync   /dev/sda1
       -       0        0        1      removed
       2       8       33        2      active sync writemostly   /dev/disk/by-id/ata-X-part1
       4     259        0        3      spare rebuilding   /dev/nvme0n1

       1       8       17        -      faulty   /dev/sdb1
       5       8       81        -      journal   /dev/sdf1
)";

constexpr std::string_view old = R"(mdadm: Unknown keyword FOO
/dev/md0:
        Version : 00.90.03
  Creation Time : Tue Nov  9 01:22:43 2010
     Raid Level : raid1
     Array Size : 104320 (101.89 MiB 106.82 MB)
    Device Size : 104320 (101.89 MiB 106.82 MB)
   Raid Devices : 2
  Total Devices : 3
Preferred Minor : 0
    Persistence : Superblock is persistent

    Update Time : Tue Nov  9 02:00:00 2010
          State : clean
 Active Devices : 2
Working Devices : 2
 Failed Devices : 1
  Spare Devices : 0

           UUID : 11111111:22222222:33333333:44444444 (local to host oldbox)
         Events : 1.36

    Number   Major   Minor   RaidDevice State
       0       8        1        0      active sync   /dev/sda1
       1       8       17        1      active sync   /dev/sdb1
)";

constexpr std::string_view containers = R"(/dev/md127:
           Version : imsm
        Raid Level : container
     Total Devices : 2

   Working Devices : 2


              UUID : 72360627:bb745f4c:aedafaab:e25d3123
     Member Arrays : /dev/md/Vol0 /dev/md/Vol1

    Number   Major   Minor   RaidDevice

       -       8       32        -        /dev/sdc
       -       8       16        -        /dev/sdb
/dev/md126:
         Container : /dev/md/imsm0, member 0
        Raid Level : raid1
        Array Size : 1047552 (1023.00 MiB 1072.69 MB)
     Used Dev Size : 1047552 (1023.00 MiB 1072.69 MB)
      Raid Devices : 2
     Total Devices : 2

             State : clean, resyncing
    Active Devices : 2

     Resync Status : 3% complete

              UUID : 764aa814:831953a1:06cf2a07:1ca42b2e
    Number   Major   Minor   RaidDevice State
       1       8       16        0      active sync   /dev/sdb
       0       8       32        1      active sync   /dev/sdc
/dev/md9:
           Version : 1.2
        Raid Level : raid1
     Total Devices : 1
       Persistence : Superblock is persistent

             State : inactive
   Working Devices : 1

              Name : host:9
              UUID : 99999999:bb745f4c:aedafaab:e25d3123
            Events : 12

    Number   Major   Minor   RaidDevice

       -       8       49        -        /dev/sdd1
)";

std::string refusal_of(std::string_view text)
{
    const auto parsed = parse_mdadm_detail(text);
    REQUIRE(!parsed);
    CHECK(parsed.error().kind == ErrorKind::corrupt);
    return parsed.error().what;
}

using Words = std::vector<std::string>;

TEST_CASE("mdadm --detail: an array that grows by a leg, with a journal and a failed disk")
{
    const MdadmDetail array = must(parse_mdadm_detail(reshaping)).arrays.at(0);
    CHECK(array.device == "/dev/md/data");
    CHECK(array.version == "1.2");
    CHECK(array.level == "raid5");
    CHECK(array.array_size == 11720780800ull * 1024);
    CHECK(array.used_dev_size == 5860390400ull * 1024);
    CHECK(array.raid_devices == 4);
    CHECK(array.failed_devices == 1);
    CHECK(array.intent_bitmap == "Internal");
    CHECK(array.state == Words{"active", "degraded", "reshaping"});
    CHECK(array.waits == "DELAYED");
    CHECK(array.layout == "left-symmetric");
    CHECK(array.chunk == 512 << 10);
    CHECK(array.consistency_policy == "bitmap");
    CHECK(array.sync_action == "reshape");
    CHECK(array.sync_percent == 56);
    CHECK(array.delta_devices == 1);
    CHECK(array.new_layout == "right-asymmetric");
    CHECK(array.new_chunk == 64 << 10);
    CHECK(array.name == "big host:data");
    CHECK(array.homehost == "big host");
    CHECK(array.uuid == "aaaaaaaa:bbbbbbbb:cccccccc:dddddddd");
    CHECK(array.events == 4711);
    CHECK(array.other == std::map<std::string, std::string>{{"cluster_name", "none of that kind"}});
    REQUIRE(array.devices.size() == 6);
    CHECK(array.devices[1].state == Words{"removed"});
    CHECK(array.devices[1].slot == 1);
    CHECK(!array.devices[1].number);
    CHECK(array.devices[1].device.empty());
    CHECK(array.devices[2].state == Words{"active", "sync", "writemostly"});
    CHECK(array.devices[2].device == "/dev/disk/by-id/ata-X-part1");
    CHECK(array.devices[3].state == Words{"spare", "rebuilding"});
    CHECK(array.devices[3].major == 259);
    CHECK(!array.devices[4].slot);
    CHECK(array.devices[4].state == Words{"faulty"});
    CHECK(array.devices[5].state == Words{"journal"});
}

TEST_CASE("mdadm --detail: metadata 0.90, as version 2.6 lays it out")
{
    const MdadmDetail array = must(parse_mdadm_detail(old)).arrays.at(0);
    CHECK(array.version == "00.90.03");
    CHECK(array.used_dev_size == 104320ull * 1024);
    CHECK(array.preferred_minor == 0);
    CHECK(array.homehost == "oldbox");
    CHECK(array.uuid == "11111111:22222222:33333333:44444444");
    CHECK(array.events == (uint64_t{1} << 32) + 36);
    CHECK(array.devices.size() == 2);
}

TEST_CASE("mdadm --detail: a container, an array in it, and an inactive array, in one text")
{
    const MdadmDetails details = must(parse_mdadm_detail(containers));
    REQUIRE(details.arrays.size() == 3);
    CHECK(details.arrays[0].level == "container");
    CHECK(details.arrays[0].version == "imsm");
    CHECK(details.arrays[0].member_arrays == Words{"/dev/md/Vol0", "/dev/md/Vol1"});
    CHECK(details.arrays[0].devices.at(1).device == "/dev/sdb");
    CHECK(details.arrays[1].container == "/dev/md/imsm0");
    CHECK(details.arrays[1].member == "0");
    CHECK(details.arrays[1].sync_percent == 3);
    CHECK(details.arrays[2].state == Words{"inactive"});
    CHECK(!details.arrays[2].raid_devices);
    CHECK(details.arrays[2].devices.at(0).device == "/dev/sdd1");
}

TEST_CASE("mdadm --detail: the short forms, --scan and --export")
{
    const MdadmDetails scan = must(parse_mdadm_detail(
        "ARRAY /dev/md/0 level=raid1 num-devices=2 metadata=1.2 name='big host:0' UUID=a:b:c:d\n"
        "   devices=/dev/sda1,/dev/sdb1\n"
        "INACTIVE-ARRAY /dev/md127 metadata=1.2 UUID=e:f:0:1\n"));
    REQUIRE(scan.scanned.size() == 2);
    CHECK(scan.scanned[0].device == "/dev/md/0");
    CHECK(scan.scanned[0].words.at("name") == "big host:0");
    CHECK(scan.scanned[0].words.at("uuid") == "a:b:c:d");
    CHECK(scan.scanned[0].devices == Words{"/dev/sda1", "/dev/sdb1"});
    CHECK(scan.scanned[1].inactive);
    const MdadmDetails exported = must(parse_mdadm_detail("MD_LEVEL=raid1\nMD_DEVICES=2\nMD_NAME=host:0\n"));
    CHECK(exported.exported.at("MD_LEVEL") == "raid1");
}

TEST_CASE("mdadm --detail: what is empty, foreign or cut anywhere is refused")
{
    CHECK(refusal_of("\n\n").find("there is nothing to read") == 0);
    CHECK(refusal_of("mdadm: cannot open /dev/md7: No such file or directory\n") ==
          "this is no output of `mdadm --detail`: mdadm said instead: cannot open /dev/md7: No such file or "
          "directory");
    CHECK(refusal_of("total 8\ndrwxr-xr-x 2 root root\n").find("line 1: no array") != std::string::npos);
    CHECK(refusal_of("/dev/sda:\n          Magic : a92b4efc\n").find("`mdadm --examine`") !=
          std::string::npos);
    for (const std::string_view whole : {reshaping, containers}) {
        for (size_t length = 0; length < whole.size(); ++length) {
            const auto parsed = parse_mdadm_detail(whole.substr(0, length));
            // Where an array of several ends, the text is whole: there is no telling.
            if (!parsed) continue;
            for (const MdadmDetail& array : parsed->arrays) CHECK(array.devices.size() >= 1);
            CHECK(whole.substr(length).starts_with("/dev/md"));
        }
    }
    std::string broken(old);
    broken.replace(broken.find("17        1"), 11, "1x        1");
    CHECK(refusal_of(broken).find("line 25: a row of the table") != std::string::npos);
}

TEST_CASE("mdadm: a size in whatever unit is read by what stands in brackets behind it")
{
    CHECK(mdadm_bytes("101376 (99.00 MiB 103.81 MB)", {1024, 512}) == 101376ull * 1024);
    CHECK(mdadm_bytes("202752 (99.00 MiB 103.81 MB)", {1024, 512}) == 101376ull * 1024);
    CHECK(mdadm_bytes("202752 sectors (99.00 MiB 103.81 MB)", {1024}) == 101376ull * 1024);
    CHECK(mdadm_bytes("101376 KiB (99.00 MiB 103.81 MB)", {512}) == 101376ull * 1024);
    CHECK(mdadm_bytes("4096 sectors", {1024}) == 4096ull * 512);
    CHECK(mdadm_bytes("1024", {1024}) == 1024ull * 1024);
    CHECK(!mdadm_bytes("1024", {1024, 512}));
    CHECK(!mdadm_bytes("101376 (55.00 MiB 57.00 MB)", {1024, 512}));
    CHECK(!mdadm_bytes("unknown", {1024}));
    CHECK(!mdadm_bytes("-5 (1.00 MiB 1.05 MB)", {1024}));
    CHECK(!mdadm_bytes("18446744073709551615 (1.00 MiB 1.05 MB)", {1024}));
}

}  // namespace
}  // namespace belay::storage::parse::mdadm_detail_test
