// Each finding that needs more than the inventory: raised, and not raised where the same thing is well.

#include "base/json.h"
#include "base/testing/must.h"
#include "storage/health.h"

namespace belay::storage::health_tools_test {
namespace {

using Codes = std::vector<std::string>;

/// "severity code" of each, in their order.
Codes told(const Survey& survey)
{
    Codes codes;
    for (const HealthFinding& finding : health_of(survey))
        codes.push_back(fmt::format("{} {}", name_of(finding.severity), finding.code));
    return codes;
}

Disk disk_called(const std::string& name, const std::string& model = "")
{
    Disk disk;
    disk.name = name;
    disk.by_id = "/dev/disk/by-id/ata-" + name;
    disk.serial = "S-" + name;
    disk.model = model;
    disk.size = {1ULL << 40};
    return disk;
}

/// What one disk says by SMART, as smartctl's JSON.
Survey saying(const Json& sections)
{
    Json json = {{"smartctl", {{"exit_status", 0}}}, {"device", {{"name", "/dev/sda"}}}};
    json.update(sections);
    Survey survey;
    survey.inventory.disks = {disk_called("sda")};
    survey.smart["sda"] = must(parse::parse_smartctl(json.dump()));
    return survey;
}

Survey with_attribute(const std::string& name, uint64_t raw, const std::string& failed = "",
                      bool prefailure = true)
{
    return saying({{"ata_smart_attributes",
                    {{"table",
                      {{{"id", 5},
                        {"name", name},
                        {"value", 100 - std::min<uint64_t>(raw, 100)},
                        {"thresh", 36},
                        {"when_failed", failed},
                        {"flags", {{"prefailure", prefailure}}},
                        {"raw", {{"value", raw}, {"string", "x"}}}}}}}}});
}

Survey with_nvme(const Json& log)
{
    return saying({{"nvme_smart_health_information_log", log}});
}

/// A volume group with one volume.
Survey with_volume(const Json& fields, const Json& group = Json::object())
{
    Json vg = {{"vg_name", "vg0"}, {"vg_uuid", "g"}, {"pv_count", "2"}, {"vg_missing_pv_count", "0"}};
    vg.update(group);
    Json lv = {{"lv_name", "x"}, {"lv_uuid", "u"}, {"lv_layout", "linear"}};
    lv.update(fields);
    Survey survey;
    const Json part = {{"vg", Json::array({vg})}, {"lv", Json::array({lv})}};
    survey.lvm = must(parse::parse_lvm(Json{{"report", Json::array({part})}}.dump()));
    return survey;
}

/// A pool of two disks; `config` are the lines of its leaves.
Survey with_pool(const std::string& state, const std::string& leaf,
                 const std::string& scan = "none requested",
                 const std::string& errors = "No known data errors", uint64_t percent = 10)
{
    Pool pool;
    const std::string text = fmt::format(
        "  pool: tank\n state: {}\n  scan: {}\nconfig:\n\n\tNAME STATE READ WRITE CKSUM\n"
        "\ttank  {} 0 0 0\n\t  mirror-0  {} 0 0 0\n\t    /dev/sda  ONLINE 0 0 0\n"
        "\t    /dev/sdb  {}\n\nerrors: {}\n",
        state, scan, state, state, leaf, errors);
    pool.status = must(parse::parse_zpool_status(text)).pools.at(0);
    pool.row.name = "tank";
    pool.row.guid = "77";
    pool.row.capacity_percent = percent;
    Survey survey;
    survey.pools = {pool};
    survey.pools_known = true;
    return survey;
}

const std::string sound_leaf = "ONLINE 0 0 0";

/// Two disks with an ESP each; the first is mounted.
Survey with_esps(std::vector<FileDigest> first, std::vector<FileDigest> second)
{
    Survey survey;
    for (const char* name : {"sda", "sdb"}) {
        Disk disk = disk_called(name);
        Partition partition;
        partition.name = std::string(name) + "1";
        partition.number = 1;
        partition.uuid = "part-" + partition.name;
        disk.partitions = {partition};
        survey.inventory.disks.push_back(disk);
    }
    survey.esps = {{"sda1", "/boot/efi", true, std::move(first)}, {"sdb1", "", true, std::move(second)}};
    return survey;
}

const FileDigest last_resort{"efi/boot/bootx64.efi", "1"}, grub{"efi/debian/grubx64.efi", "2"};

}  // namespace

TEST_CASE("a disk that says it fails is to be replaced; one that passes is not")
{
    const Survey failing = saying({{"smart_status", {{"passed", false}}}});
    CHECK(told(failing) == Codes{"critical smart.failed"});
    CHECK(health_of(failing)[0].mend == "belay plan disk.replace --leaving S-sda --joining NEW");
    CHECK(health_of(failing)[0].object == "/dev/disk/by-id/ata-sda");
    CHECK(told(saying({{"smart_status", {{"passed", true}}}})) == Codes{});
    CHECK(told(saying(Json::object())) == Codes{});
}

TEST_CASE("an attribute at its threshold now; the past is past")
{
    CHECK(told(with_attribute("Spin_Retry_Count", 70, "now")) == Codes{"critical smart.below-threshold"});
    CHECK(told(with_attribute("Spin_Retry_Count", 70, "now", false)) ==
          Codes{"warning smart.below-threshold"});
    CHECK(health_of(with_attribute("Spin_Retry_Count", 70, "now"))[0].found ==
          "Spin_Retry_Count is at 30, its threshold is 36");
    CHECK(told(with_attribute("Spin_Retry_Count", 70, "past")) == Codes{});
}

TEST_CASE("sectors: pending, reallocated by their number, uncorrectable, by ATA and by SCSI")
{
    CHECK(told(with_attribute("Current_Pending_Sector", 1)) == Codes{"warning smart.pending-sectors"});
    CHECK(told(with_attribute("Current_Pending_Sector", 0)) == Codes{});
    CHECK(told(with_attribute("Reallocated_Sector_Ct", 9)) == Codes{"note smart.reallocated-sectors"});
    CHECK(told(with_attribute("Reallocated_Sector_Ct", 10)) == Codes{"warning smart.reallocated-sectors"});
    CHECK(told(with_attribute("Reallocated_Sector_Ct", 0)) == Codes{});
    CHECK(told(with_attribute("Offline_Uncorrectable", 2)) == Codes{"warning smart.uncorrectable"});
    CHECK(told(with_attribute("Power_On_Hours", 2000)) == Codes{});
    // Some vendors keep other counters in the upper half.
    CHECK(told(with_attribute("Reallocated_Sector_Ct", uint64_t{7} << 32)) == Codes{});

    CHECK(told(saying({{"scsi_grown_defect_list", 12}})) == Codes{"warning smart.reallocated-sectors"});
    const auto scsi = [](uint64_t uncorrected) {
        return saying(
            {{"scsi_error_counter_log",
              {{"read", {{"total_errors_corrected", 5}, {"total_uncorrected_errors", uncorrected}}}}}});
    };
    CHECK(told(scsi(3)) == Codes{"warning smart.uncorrectable"});
    CHECK(told(scsi(0)) == Codes{});
}

TEST_CASE("NVMe: what it warns of by bits, and data that it could not read back")
{
    const Survey warned = with_nvme({{"critical_warning", 1 | 8}, {"media_errors", 0}});
    CHECK(told(warned) == Codes{"critical smart.nvme-warning"});
    CHECK(health_of(warned)[0].found == "its spare blocks run out, it takes no writes any more");
    CHECK(told(with_nvme({{"critical_warning", 0}, {"media_errors", 4}})) ==
          Codes{"warning smart.media-errors"});
    CHECK(told(with_nvme({{"critical_warning", 0}, {"media_errors", 0}})) == Codes{});
    CHECK(health_of(with_nvme({{"critical_warning", 128}}))[0].found == "warning 7");
}

TEST_CASE("wear from 80 % and from 95 %, by NVMe's name for it and by those of vendors")
{
    CHECK(told(with_nvme({{"percentage_used", 79}})) == Codes{});
    CHECK(told(with_nvme({{"percentage_used", 80}})) == Codes{"warning smart.worn"});
    CHECK(told(with_nvme({{"percentage_used", 130}})) == Codes{"critical smart.worn"});
    CHECK(told(with_attribute("Media_Wearout_Indicator", 96)) == Codes{"critical smart.worn"});
    CHECK(health_of(with_attribute("Wear_Leveling_Count", 85))[0].found ==
          "85 % of its life is used (Wear_Leveling_Count)");
    CHECK(told(with_attribute("Media_Wearout_Indicator", 10)) == Codes{});
}

TEST_CASE("thin pools that fill up, in data and in metadata")
{
    const auto pool = [](const char* data, const char* metadata) {
        return with_volume(
            {{"lv_layout", "thin,pool"}, {"data_percent", data}, {"metadata_percent", metadata}});
    };
    CHECK(told(pool("79.99", "10.0")) == Codes{});
    CHECK(told(pool("80.00", "10.0")) == Codes{"warning lvm.pool-data-full"});
    CHECK(told(pool("10.00", "99.9")) == Codes{"critical lvm.pool-metadata-full"});
    CHECK(health_of(pool("97.60", "1"))[0].found == "97 % of the pool's data is used");
    CHECK(health_of(pool("97.60", "1"))[0].mend == "lvextend --size +SIZE vg0/x");
    // A volume that is not a pool may be full.
    CHECK(told(with_volume({{"lv_layout", "thin,sparse"}, {"pool_lv", "p"}, {"data_percent", "100.00"}})) ==
          Codes{});
}

TEST_CASE("snapshots with a table of their own: nearly full, and lost")
{
    const auto snapshot = [](const char* percent, const char* invalid) {
        return with_volume({{"origin", "root"}, {"data_percent", percent}, {"lv_snapshot_invalid", invalid}});
    };
    CHECK(told(snapshot("40.00", "")) == Codes{});
    CHECK(told(snapshot("81.00", "")) == Codes{"warning lvm.snapshot-full"});
    CHECK(told(snapshot("100.00", "snapshot invalid")) == Codes{"critical lvm.snapshot-invalid"});
}

TEST_CASE("a volume group without one of its disks, and volumes that LVM says are not well")
{
    const Survey missing = with_volume({{"lv_health_status", "partial"}}, {{"vg_missing_pv_count", "1"}});
    CHECK(told(missing) == Codes{"critical lvm.pv-missing"});
    CHECK(health_of(missing)[0].found == "1 of 2 physical volumes missing, and with it parts of x");
    CHECK(told(with_volume({{"lv_health_status", "refresh needed"}})) == Codes{"warning lvm.volume-unwell"});
    CHECK(told(with_volume({{"lv_health_status", "metadata_read_only"}})) ==
          Codes{"critical lvm.volume-unwell"});
    CHECK(told(with_volume({{"lv_health_status", "writemostly"}})) == Codes{});
    CHECK(told(with_volume({{"lv_health_status", ""}})) == Codes{});
}

TEST_CASE(
    "pools: not online, a vdev that is away, errors on one, a scrub with errors, damaged files, no room")
{
    CHECK(told(with_pool("ONLINE", sound_leaf)) == Codes{});
    CHECK(told(with_pool("DEGRADED", "UNAVAIL 0 0 0  was /dev/sdb1")) ==
          Codes{"critical zfs.pool-not-online", "critical zfs.vdev-not-online"});
    CHECK(health_of(with_pool("DEGRADED", "UNAVAIL 0 0 0  was /dev/sdb1"))[1].found ==
          "/dev/sdb is UNAVAIL, was /dev/sdb1");
    CHECK(health_of(with_pool("DEGRADED", "UNAVAIL 0 0 0  was /dev/sdb1"))[1].mend ==
          "zpool replace tank /dev/sdb NEW");
    CHECK(health_of(with_pool("DEGRADED", "REMOVED 0 0 0"))[1].mend ==
          "zpool online tank /dev/sdb, when the disk is back; else zpool replace tank /dev/sdb NEW");
    // What a person took offline comes back by a word.
    CHECK(health_of(with_pool("DEGRADED", "OFFLINE 0 0 0"))[1].mend == "zpool online tank /dev/sdb");
    const Survey errors = with_pool("ONLINE", "ONLINE 0 0 1.21K");
    CHECK(told(errors) == Codes{"warning zfs.vdev-errors"});
    CHECK(health_of(errors)[0].found == "/dev/sdb: 0 read, 0 write and 1.21K checksum errors");
    CHECK(told(with_pool("ONLINE", sound_leaf,
                         "scrub repaired 0B in 01:00:00 with 3 errors on Sun Feb 13 00:24:00 2022")) ==
          Codes{"warning zfs.scan-errors"});
    CHECK(told(with_pool("ONLINE", sound_leaf,
                         "scrub repaired 0B in 01:00:00 with 0 errors on Sun Feb 13 00:24:00 2022")) ==
          Codes{});
    CHECK(told(with_pool("ONLINE", sound_leaf, "none requested", "2 data errors, use '-v' for a list")) ==
          Codes{"critical zfs.data-errors"});
    CHECK(told(with_pool("ONLINE", sound_leaf, "none requested", "No known data errors", 83)) ==
          Codes{"warning zfs.pool-full"});
    const Survey busy = with_pool("ONLINE", sound_leaf,
                                  "scrub in progress since Sun Mar  3 00:24:00 2024\n"
                                  "\t1.2G scanned, 600M issued, 4G total\n\t0B repaired, 15.00% done");
    CHECK(told(busy) == Codes{"note zfs.scanning"});
    CHECK(health_of(busy)[0].found == "scrub at 15 %");
}

TEST_CASE("a pool whose disks are here and that nobody has imported; not where nobody could ask")
{
    Survey survey;
    survey.inventory.disks = {disk_called("sda")};
    survey.inventory.disks[0].content = {"zfs_member", "77", "tank"};
    CHECK(told(survey) == Codes{});
    survey.pools_known = true;
    CHECK(told(survey) == Codes{"warning zfs.not-imported"});
    CHECK(health_of(survey)[0].mend == "zpool import 77");
    CHECK(health_of(survey)[0].shown == "pool tank");
    Survey imported = with_pool("ONLINE", sound_leaf);
    imported.inventory = survey.inventory;
    CHECK(told(imported) == Codes{});
}

TEST_CASE("a second ESP that is empty, or behind the first; another system's is left in peace")
{
    CHECK(told(with_esps({last_resort, grub}, {last_resort, grub})) == Codes{});
    const Survey empty = with_esps({last_resort, grub}, {});
    CHECK(told(empty) == Codes{"warning esp.no-loader"});
    CHECK(health_of(empty)[0].mend ==
          "mount /dev/disk/by-partuuid/part-sdb1 /mnt && cp -r /boot/efi/EFI /mnt/ && umount /mnt");
    const Survey stale = with_esps({last_resort, grub}, {last_resort, {"efi/debian/grubx64.efi", "old"}});
    CHECK(told(stale) == Codes{"warning esp.stale"});
    CHECK(health_of(stale)[0].found == "efi/debian/grubx64.efi is another one");
    CHECK(health_of(with_esps({last_resort, grub}, {grub}))[0].found == "efi/boot/bootx64.efi is not there");
    // What the second has more is no harm; and this is Windows'.
    CHECK(told(with_esps({grub}, {last_resort, grub})) == Codes{});
    CHECK(told(with_esps({last_resort, grub}, {{"efi/microsoft/boot/bootmgfw.efi", "3"}})) == Codes{});
}

TEST_CASE("an ESP without a filesystem is made anew, unless its path may lead to another one")
{
    Survey survey = with_esps({last_resort}, {});
    survey.esps[1].formatted = false;
    CHECK(health_of(survey)[0].found == "it has no filesystem");
    CHECK(health_of(survey)[0].mend.starts_with("mkfs.vfat -F 32 /dev/disk/by-partuuid/part-sdb1 && "));
    survey.inventory.disks[1].partitions[0].uuid = "part-sda1";
    const std::vector<HealthFinding> findings = health_of(survey);
    CHECK(told(survey) == Codes{"critical partition.uuid-twice", "warning esp.no-loader"});
    CHECK(findings[1].mend == "sfdisk --part-uuid /dev/sdb 1 \"$(uuidgen)\"");
    CHECK(findings[1].object == "/dev/sdb1");
}

TEST_CASE("a disk that is smaller than others of its model hides something; virtual ones are of any size")
{
    Survey survey;
    survey.inventory.disks = {disk_called("sda", "WDC WD10"), disk_called("sdb", "WDC WD10"),
                              disk_called("sdc", "other")};
    CHECK(told(survey) == Codes{});
    survey.inventory.disks[2].size = {1 << 30};
    CHECK(told(survey) == Codes{});
    survey.inventory.disks[1].size.count -= 512;
    CHECK(told(survey) == Codes{"warning disk.smaller-than-its-model"});
    CHECK(health_of(survey)[0].found ==
          "512 bytes less than S-sda (/dev/sda), which is of the same model WDC WD10");
    for (Disk& disk : survey.inventory.disks) disk.model = "QEMU HARDDISK";
    CHECK(told(survey) == Codes{});
}

TEST_CASE("an HPA and a DCO are told by what they hide; not where a disk shows all it has")
{
    Survey survey;
    survey.inventory.disks = {disk_called("sda", "WDC WD10"), disk_called("sdb", "WDC WD10")};
    const Bytes whole = survey.inventory.disks[0].size;
    survey.ata_capacities["sda"] = {.native = whole, .built = whole};
    CHECK(told(survey) == Codes{});
    survey.inventory.disks[0].size.count -= 1 << 20;
    CHECK(told(survey) == Codes{"warning disk.hpa"});
    CHECK(health_of(survey)[0].found ==
          "1099510579200 of 1099511627776 bytes are shown, 1 MiB is behind a Host Protected Area");
    CHECK(health_of(survey)[0].mend == "hdparm -N /dev/sda");
    survey.ata_capacities["sda"].by_accessible_max_address = true;
    CHECK(health_of(survey)[0].found.ends_with("1 MiB is behind an Accessible Max Address"));
    survey.ata_capacities["sda"] = {.native = survey.inventory.disks[0].size, .built = whole};
    CHECK(told(survey) == Codes{"warning disk.dco"});
    CHECK(health_of(survey)[0].mend == "hdparm --dco-identify /dev/sda");
    survey.ata_capacities["sda"] = {.native = {whole.count - 512}, .built = whole};
    CHECK(told(survey) == Codes{"warning disk.hpa", "warning disk.dco"});
    // It does not tell: what is left is that its like are larger.
    survey.ata_capacities["sda"] = {.native = survey.inventory.disks[0].size, .built = {}};
    CHECK(told(survey) == Codes{"warning disk.smaller-than-its-model"});
}

TEST_CASE("a table that does not reach the end of its disk, and a partition that goes past it")
{
    Survey survey;
    survey.inventory.disks = {disk_called("sda")};
    Disk& disk = survey.inventory.disks[0];
    disk.table = "dos";
    disk.size = {2ULL << 40};
    CHECK(told(survey) == Codes{});
    disk.size = {4ULL << 40};
    CHECK(told(survey) == Codes{"note disk.table-too-small"});
    disk.logical_sector = 4096;
    CHECK(told(survey) == Codes{});
    Partition partition;
    partition.name = "sda1";
    partition.start = 2048;
    partition.size = {disk.size.count - (1 << 20)};
    disk.partitions = {partition};
    CHECK(told(survey) == Codes{});
    disk.partitions[0].size.count += 512;
    CHECK(told(survey) == Codes{"critical partition.past-end"});
    CHECK(health_of(survey)[0].found == "/dev/sda1 ends 512 B past the end of the disk");
}

TEST_CASE("swap on one disk beside mirrors; not where nothing is mirrored, nor on a mirror")
{
    Survey survey;
    survey.inventory.disks = {disk_called("sda")};
    survey.swaps = {{"/dev/sda", false, {}, {}, 0}};
    survey.swap_devices = {{"/dev/sda", "sda"}};
    CHECK(told(survey) == Codes{});
    Array array;
    array.name = "md0";
    array.uuid = "m";
    array.level = "raid1";
    array.state = "clean";
    array.legs = 2;
    array.bitmap = "+8";
    survey.inventory.arrays = {array};
    CHECK(told(survey) == Codes{"note swap.not-mirrored"});
    survey.swap_devices = {{"/dev/sda", "md0"}};
    CHECK(told(survey) == Codes{});
}

TEST_CASE("an array that is assembled and does not run, with how many of its members are there")
{
    Survey survey;
    survey.waiting = {{.uuid = "m:1", .assembled = "md127", .members = {"sdb1"}, .wanted = 2, .active = 1}};
    CHECK(told(survey) == Codes{"critical md.inactive"});
    CHECK(health_of(survey)[0].found ==
          "it is assembled and does not run: 1 of 2 members are there (/dev/sdb1)");
    CHECK(health_of(survey)[0].mend == "mdadm --run /dev/md127");
    survey.waiting[0].assembled.clear();
    CHECK(told(survey) == Codes{"warning md.not-assembled"});
    survey.waiting.clear();
    CHECK(told(survey) == Codes{});
}

TEST_CASE("the report counts what was looked at and says what was not")
{
    Survey survey = with_pool("ONLINE", sound_leaf);
    survey.not_looked = {{"LVM", "no program lvm on this host", "apt install lvm2"}};
    const Json report = health_report(survey);
    CHECK(report.at("looked_at") == Json{{"disks", 0}, {"arrays", 0}, {"groups", 0}, {"pools", 1}});
    CHECK(report.at("not_looked") ==
          Json::array(
              {{{"what", "LVM"}, {"why", "no program lvm on this host"}, {"next", "apt install lvm2"}}}));
}

}  // namespace belay::storage::health_tools_test
