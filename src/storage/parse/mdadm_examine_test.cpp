#include "storage/parse/mdadm_examine.h"

#include "base/json.h"
#include "base/testing/must.h"

namespace belay::storage::parse::mdadm_examine_test {
namespace {

constexpr std::string_view replacement = R"(/dev/sdc1:
          Magic : a92b4efc
        Version : 1.2
    Feature Map : 0x1d
     Array UUID : aaaaaaaa:bbbbbbbb:cccccccc:dddddddd
           Name : host:5  (local to host host)
  Creation Time : Fri Mar  1 10:00:00 2024
     Raid Level : raid10
   Raid Devices : 4

 Avail Dev Size : 202752 sectors (99.00 MiB 103.81 MB)
     Array Size : 202752 (198.00 MiB 207.62 MB)
  Used Dev Size : 202752 (99.00 MiB 103.81 MB)
    Data Offset : 2048 sectors
   Super Offset : 8 sectors
Recovery Offset : 1024 sectors
   Unused Space : before=1968 sectors, after=-8 sectors DEVICE TOO SMALL
          State : clean TRUNCATED DEVICE
    Device UUID : 11111111:22222222:33333333:44444444

Internal Bitmap : 8 sectors from superblock
  Reshape pos'n : 20480 (20.00 MiB 20.97 MB)
  Delta Devices : -1 (5->4)
     New Layout : far=2
  New Chunksize : 64K

          Flags : write-mostly failfast
    Update Time : Fri Mar  1 12:00:00 2024
  Bad Block Log : 512 entries available at offset 16 sectors - bad blocks present.
       Checksum : 4bf42c40 - expected 4bf42c41
         Events : 51

         Layout : near=2
     Chunk Size : 512K

   Device Role : Replacement device 1
   Array State : AR.? ('A' == active, '.' == missing, 'R' == replacing)
)";

constexpr std::string_view very_old = R"(/dev/sdb1:
          Magic : a92b4efc
        Version : 1.0
     Array UUID : aaaaaaaa:bbbbbbbb:cccccccc:dddddddd
  Creation Time : Mon Jan  7 10:00:00 2008
     Raid Level : raid1
   Raid Devices : 3

 Avail Dev Size : 1953523036 (931.51 GiB 1000.20 GB)
     Array Size : 1953522976 (931.51 GiB 1000.20 GB)
    Data Offset : 264 sectors
          State : active
    Device UUID : 11111111:22222222:33333333:44444444
       Checksum : 2a5ae86f - correct
         Events : 2

    Array Slot : 0 (0, 1, failed)
   Array State : Uu_ 1 failed
)";

constexpr std::string_view version_090 = R"(/dev/sda1:
          Magic : a92b4efc
        Version : 0.90.00
           UUID : 11111111:22222222:33333333:44444444 (local to host oldbox)
  Creation Time : Tue Nov  9 01:22:43 2010
     Raid Level : raid1
  Used Dev Size : 104320 (101.89 MiB 106.82 MB)
     Array Size : 104320 (101.89 MiB 106.82 MB)
   Raid Devices : 2
  Total Devices : 2
Preferred Minor : 0

    Update Time : Tue Nov  9 02:00:00 2010
          State : clean
Internal Bitmap : present
 Active Devices : 2
Working Devices : 2
 Failed Devices : 0
  Spare Devices : 0
       Checksum : e10b4b27 - correct
         Events : 36


      Number   Major   Minor   RaidDevice State
this     0       8        1        0      active sync   /dev/sda1

   0     0       8        1        0      active sync   /dev/sda1
   1     1       0        0        1      faulty removed
)";

constexpr std::string_view intel = R"(/dev/sda:
          Magic : Intel Raid ISM Cfg Sig.
        Version : 1.3.00
    Orig Family : 154b243e
         Family : 154b243e
     Generation : 000003aa
  Creation Time : Unknown
     Attributes : All supported
           UUID : 72360627:bb745f4c:aedafaab:e25d3123
       Checksum : 21ae5a2a correct
    MPB Sectors : 2
          Disks : 2
   RAID Devices : 1

  Disk00 Serial : S-0001
          State : active
             Id : 00000000
    Usable Size : 3907018766 (1863.01 GiB 2000.39 GB)

[Data]:
       Subarray : 0
           UUID : 764aa814:831953a1:06cf2a07:1ca42b2e
     RAID Level : 5 <-- 1
        Members : 3 <-- 2
          Slots : [U_U] <-- [UU]
    Failed disk : 1
      This Slot : 0 (out-of-sync)
    Sector Size : 512
     Array Size : 3711671808 (1769.86 GiB 1900.38 GB)
   Per Dev Size : 3711671808 (1769.86 GiB 1900.38 GB)
     Chunk Size : 64 KiB <-- 64 KiB
  Migrate State : general migration
      Map State : degraded <-- normal
     Checkpoint : 462393 (768)
    Dirty State : clean

  Disk01 Serial : S-0002
          State : active failed
             Id : 00000001
    Usable Size : 3907018766 (1863.01 GiB 2000.39 GB)
)";

constexpr std::string_view partitioned = R"(/dev/sdx:
   MBR Magic : aa55
Partition[0] :      1048576 sectors at         2048 (type fd)
Partition[3] :   4294967295 sectors at            1 (type ee)
)";

constexpr std::string_view ddf = R"(/dev/vda:
          Magic : de11de11
        Version : 01.02.00
Controller GUID : 4C696E75:782D4D44
                  (Linux-MD       host)
 Container GUID : 4C696E75:782D4D44:DEADBEEF
                  (Linux-MD 08/16/22 16:20:42)
            Seq : 00000008
  Redundant hdr : yes
  Virtual Disks : 1

      VD GUID[2] : 4C696E75:782D4D44:DEADBEE0
                  (Linux-MD 08/16/22 16:21:19)
         unit[2] : 127
        state[2] : Degraded, Not Consistent
         Name[2] : vol0
 Raid Devices[2] : 2 (1@0K --@0K)
   Chunk Size[2] : 128 sectors
   Raid Level[2] : RAID0
  Device Size[2] : 786432
   Array Size[2] : 1572864

 Physical Disks : 1023
      Number    RefNo      Size       Device      Type/State
         0    d32b14d7    786432K /dev/vda        active/Online
         1    886a9f58    913408K                 active/Offline, Failed, Missing
)";

std::string refusal_of(std::string_view text)
{
    const auto parsed = parse_mdadm_examine(text);
    REQUIRE(!parsed);
    CHECK(parsed.error().kind == ErrorKind::corrupt);
    return parsed.error().what;
}

using Words = std::vector<std::string>;

TEST_CASE("mdadm --examine: a replacement in a raid10 that reshapes, on a disk with everything wrong")
{
    const MdadmExamine device = must(parse_mdadm_examine(replacement)).devices.at(0);
    CHECK(device.device == "/dev/sdc1");
    CHECK(device.format == "md");
    CHECK(device.array_uuid == "aaaaaaaa:bbbbbbbb:cccccccc:dddddddd");
    CHECK(device.device_uuid == "11111111:22222222:33333333:44444444");
    CHECK(device.homehost == "host");
    CHECK(device.avail_dev_size == 202752ull * 512);
    CHECK(device.array_size == 202752ull * 1024);
    CHECK(device.used_dev_size == 202752ull * 512);
    CHECK(device.data_offset == 1 << 20);
    CHECK(device.recovery_offset == 512 << 10);
    CHECK(device.unused_before == 1968 * 512);
    CHECK(device.unused_after == -4096);
    CHECK(device.state == Words{"clean", "TRUNCATED", "DEVICE"});
    CHECK(device.reshape_position == 20 << 20);
    CHECK(device.delta_devices == -1);
    CHECK(device.flags == Words{"write-mostly", "failfast"});
    CHECK(device.bad_blocks == true);
    CHECK(device.checksum_correct == false);
    CHECK(device.layout == "near=2");
    CHECK(device.role == "replacement");
    CHECK(device.slot == 1);
    CHECK(device.array_state == Words{"active", "replacing", "missing", "inconsistent"});
}

TEST_CASE("mdadm --examine: an array's size in sectors, and a state in letters, as mdadm 2.6 has them")
{
    const MdadmExamine device = must(parse_mdadm_examine(very_old)).devices.at(0);
    CHECK(device.array_size == 1953522976ull * 512);
    CHECK(device.avail_dev_size == 1953523036ull * 512);
    CHECK(device.role.empty());
    CHECK(device.array_state == Words{"active", "active", "missing"});
    CHECK(device.checksum_correct == true);
}

TEST_CASE("mdadm --examine: metadata 0.90 with its table")
{
    const MdadmExamine device = must(parse_mdadm_examine(version_090)).devices.at(0);
    CHECK(device.version == "0.90.00");
    CHECK(device.array_uuid == "11111111:22222222:33333333:44444444");
    CHECK(device.array_size == 104320ull * 1024);
    CHECK(device.internal_bitmap == "present");
    REQUIRE(device.devices.size() == 3);
    CHECK(device.devices[0].self);
    CHECK(device.devices[0].device == "/dev/sda1");
    CHECK(device.devices[2].state == Words{"faulty", "removed"});
}

TEST_CASE("mdadm --examine: Intel's container in the middle of a migration")
{
    const MdadmExamine device = must(parse_mdadm_examine(intel)).devices.at(0);
    CHECK(device.format == "imsm");
    CHECK(device.level == "container");
    CHECK(device.array_uuid == "72360627:bb745f4c:aedafaab:e25d3123");
    REQUIRE(device.volumes.size() == 1);
    const MdadmVolume& volume = device.volumes[0];
    CHECK(volume.name == "Data");
    CHECK(volume.level == "5");
    CHECK(volume.members == 3);
    CHECK(volume.slots == "U_U");
    CHECK(volume.slot == 0);
    CHECK(volume.state == "degraded");
    CHECK(volume.migrate_state == "general migration");
    CHECK(volume.array_size == 3711671808ull * 512);
    CHECK(volume.chunk == 64 << 10);
    REQUIRE(device.disks.size() == 2);
    CHECK(device.disks[1].serial == "S-0002");
    CHECK(device.disks[1].state == Words{"active", "failed"});
    CHECK(device.disks[1].size == 3907018766ull * 512);
}

TEST_CASE("mdadm --examine: partition tables and DDF, several devices in one text")
{
    const auto examined = must(parse_mdadm_examine(std::string(partitioned) + std::string(ddf)));
    REQUIRE(examined.devices.size() == 2);
    CHECK(examined.devices[0].format == "mbr");
    REQUIRE(examined.devices[0].partitions.size() == 2);
    CHECK(examined.devices[0].partitions[1].number == 3);
    CHECK(examined.devices[0].partitions[1].sectors == 4294967295);
    CHECK(examined.devices[0].partitions[1].start == 1);
    CHECK(examined.devices[0].partitions[1].type == "ee");
    const MdadmExamine& device = examined.devices[1];
    CHECK(device.format == "ddf");
    REQUIRE(device.volumes.size() == 1);
    CHECK(device.volumes[0].name == "vol0");
    CHECK(device.volumes[0].state == "Degraded, Not Consistent");
    CHECK(device.volumes[0].chunk == 64 << 10);
    CHECK(device.volumes[0].array_size == 1572864ull * 1024);
    REQUIRE(device.disks.size() == 2);
    CHECK(device.disks[0].device == "/dev/vda");
    CHECK(device.disks[1].device.empty());
    CHECK(device.disks[1].state == Words{"Offline", "Failed", "Missing"});
}

TEST_CASE("mdadm --examine: what is empty, foreign or cut is refused")
{
    CHECK(
        refusal_of("mdadm: No md superblock detected on /dev/sda.\n") ==
        "this is no output of `mdadm --examine`: mdadm said instead: No md superblock detected on /dev/sda.");
    CHECK(refusal_of("hello\n").find("line 1: no superblock") != std::string::npos);
    CHECK(refusal_of("/dev/md0:\n  Version : 1.2\n  Raid Level : raid1\n").find("`mdadm --detail`") !=
          std::string::npos);
    for (const std::string_view whole : {replacement, version_090, intel}) {
        for (size_t length = 0; length + 60 < whole.size(); ++length)
            CHECK(!parse_mdadm_examine(whole.substr(0, length)));
    }
    // The last line proves itself whole, or it does not.
    CHECK(parse_mdadm_examine(replacement.substr(0, replacement.size() - 1)));
    CHECK(!parse_mdadm_examine(version_090.substr(0, version_090.size() - 1)));
}

}  // namespace
}  // namespace belay::storage::parse::mdadm_examine_test
