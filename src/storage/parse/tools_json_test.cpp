// The tools that print JSON: lsblk, smartctl and LVM.

#include "base/testing/must.h"
#include "storage/parse/lsblk.h"
#include "storage/parse/lvm.h"
#include "storage/parse/smartctl.h"

namespace belay::storage::parse::tools_json_test {
namespace {

template <typename T>
std::string refusal_of(const Result<T>& parsed)
{
    REQUIRE(!parsed);
    CHECK(parsed.error().kind == ErrorKind::corrupt);
    return parsed.error().what;
}

using Words = std::vector<std::string>;

TEST_CASE("lsblk: a tree in which an array hangs under both of its disks, of util-linux 2.37")
{
    const Lsblk lsblk = must(parse_lsblk_tree(R"({"blockdevices": [
      {"name":"sda", "maj:min":"8:0", "rm":false, "size":1000204886016, "ro":false, "type":"disk", "mountpoints":[null],
       "children": [{"name":"sda1", "size":1000203091968, "type":"part", "mountpoints":[null, "/boot", "/efi"], "partn":1,
         "children": [{"name":"md0", "size":1000070774784, "type":"raid1", "mountpoints":["/"]}]}]},
      {"name":"sdb", "size":"1000204886016", "type":"disk", "mountpoints":[null],
       "children": [{"name":"md0", "size":1000070774784, "type":"raid1", "mountpoints":["/"]}]}]})"));
    REQUIRE(lsblk.devices.size() == 4);
    CHECK(lsblk.devices[0].size == 1000204886016);
    CHECK(lsblk.devices[0].columns.at("maj_min") == "8:0");
    CHECK(lsblk.devices[0].columns.at("rm") == false);
    CHECK(lsblk.devices[1].mountpoints == Words{"/boot", "/efi"});
    CHECK(lsblk.devices[1].columns.at("partn") == 1);
    CHECK(lsblk.devices[2].name == "md0");
    CHECK(lsblk.devices[2].parents == Words{"sda1", "sdb"});
    CHECK(lsblk.devices[2].mountpoints == Words{"/"});
    CHECK(lsblk.devices[3].size == 1000204886016);
}

TEST_CASE("lsblk: a list of texts with rounded sizes, of util-linux 2.27")
{
    const Lsblk lsblk = must(parse_lsblk_tree(R"({"blockdevices": [
      {"name": "vg-root", "kname": "dm-0", "pkname": "sda2", "rm": "0", "rota": "1", "size": "465.8G", "ro": "?",
       "mountpoint": "/", "serial": null, "model": "", "disc-gran": "512B", "log-sec": " 512"}]})"));
    const LsblkDevice& device = lsblk.devices.at(0);
    CHECK(device.name == "dm-0");
    CHECK(device.parents == Words{"sda2"});
    CHECK(!device.size);
    CHECK(device.columns.at("name") == "vg-root");
    CHECK(device.columns.at("rota") == true);
    CHECK(device.columns.at("disc_gran") == 512);
    CHECK(!device.columns.contains("ro"));
    CHECK(!device.columns.contains("serial"));
    CHECK(!device.columns.contains("model"));
    CHECK(Json(lsblk)["devices"][0]["size_text"] == "465.8G");
}

TEST_CASE("lsblk: what is empty, foreign or cut is refused")
{
    CHECK(refusal_of(parse_lsblk_tree("")).find("there is nothing to read") == 0);
    CHECK(refusal_of(parse_lsblk_tree(R"({"blockdevices": [{"name":)")).find("line 1") != std::string::npos);
    CHECK(refusal_of(parse_lsblk_tree(R"({"filesystems": []})")).find("no list \"blockdevices\"") !=
          std::string::npos);
    CHECK(refusal_of(parse_lsblk_tree(R"({"blockdevices": [7]})")).find("a device is no object") !=
          std::string::npos);
    CHECK(refusal_of(parse_lsblk_tree(R"({"blockdevices": [{"size": 1}]})")).find("neither") !=
          std::string::npos);
    CHECK(refusal_of(parse_lsblk_tree("[]")).find("it is JSON, but no object") != std::string::npos);
    std::string deep = R"({"name":"x"})";
    for (int i = 0; i < 20; ++i) deep = fmt::format(R"({{"name":"x", "children":[{}]}})", deep);
    CHECK(refusal_of(parse_lsblk_tree(R"({"blockdevices": [)" + deep + "]}")).find("16 deep") !=
          std::string::npos);
}

constexpr std::string_view sata = R"({"smartctl": {"version": [7, 3], "exit_status": 76,
    "messages": [{"string": "Warning: odd drive", "severity": "warning"}]},
  "device": {"name": "/dev/sda", "info_name": "/dev/sda [SAT]", "type": "sat", "protocol": "ATA"},
  "model_name": "Samsung SSD 860", "model_family": "Samsung based SSDs", "serial_number": "S1", "firmware_version": "F1",
  "wwn": {"naa": 5, "oui": 9528, "id": 51234567890}, "user_capacity": {"blocks": 976773168, "bytes": 500107862016},
  "logical_block_size": 512, "physical_block_size": 512, "rotation_rate": 0, "form_factor": {"name": "2.5 inches"},
  "smart_status": {"passed": false}, "temperature": {"current": -3}, "power_on_time": {"hours": 100, "minutes": 3},
  "power_cycle_count": 7,
  "ata_smart_attributes": {"table": [
    {"id": 5, "name": "Reallocated_Sector_Ct", "value": 9, "worst": 9, "thresh": 10, "when_failed": "now",
     "flags": {"prefailure": true}, "raw": {"value": 812, "string": "812"}},
    {"id": 177, "name": "Wear_Leveling_Count", "value": 63, "worst": 63, "thresh": 0, "when_failed": "",
     "flags": {"prefailure": false}, "raw": {"value": 700, "string": "700"}}, {"name": "no id"}]},
  "ata_smart_error_log": {"summary": {"count": 12}},
  "ata_smart_self_test_log": {"standard": {"table": [{"type": {"string": "Short offline"},
    "status": {"string": "Completed: read failure", "passed": false, "remaining_percent": 90}, "lifetime_hours": 99}]}}})";

TEST_CASE("smartctl: a failing SATA disk")
{
    const Smart smart = must(parse_smartctl(sata));
    CHECK(smart.device == "/dev/sda");
    CHECK(smart.protocol == "ATA");
    CHECK(smart.model == "Samsung SSD 860");
    CHECK(smart.serial == "S1");
    CHECK(smart.wwn == "0x5002538bedd176d2");
    CHECK(smart.capacity == 500107862016);
    CHECK(smart.rotation_rate == 0);
    CHECK(smart.passed == false);
    CHECK(smart.temperature == -3);
    CHECK(smart.power_on_hours == 100);
    CHECK(smart.power_cycles == 7);
    REQUIRE(smart.attributes.size() == 2);
    CHECK(smart.attribute("Reallocated_Sector_Ct")->raw == 812);
    CHECK(smart.attribute("Reallocated_Sector_Ct")->when_failed == "now");
    CHECK(smart.attribute("Reallocated_Sector_Ct")->prefailure);
    REQUIRE(smart.wear);
    CHECK(smart.wear->percent_used == 37);
    CHECK(smart.wear->source == "Wear_Leveling_Count");
    CHECK(smart.logged_errors == 12);
    CHECK(smart.self_tests.at(0).passed == false);
    CHECK(smart.self_tests[0].remaining_percent == 90);
    CHECK(smart.messages.at(0).severity == "warning");
    CHECK(smart_exit_meanings(*smart.exit_status) ==
          Words{"a SMART or ATA command failed, or a checksum is wrong", "the disk says that it is failing",
                "the error log holds errors"});
}

TEST_CASE("smartctl: NVMe, SCSI, and a disk that does not answer")
{
    const Smart nvme = must(parse_smartctl(R"({"smartctl": {"exit_status": 0},
      "device": {"name": "/dev/nvme0", "type": "nvme", "protocol": "NVMe"}, "nvme_total_capacity": 1000204886016,
      "nvme_smart_health_information_log": {"critical_warning": 4, "temperature": 41, "percentage_used": 104,
        "available_spare": 3, "power_on_hours": 9, "media_errors": 2, "temperature_sensors": [41, 255]}})"));
    CHECK(nvme.capacity == 1000204886016);
    CHECK(nvme.wear->percent_used == 104);
    CHECK(nvme.temperature == 41);
    CHECK(nvme.power_on_hours == 9);
    CHECK(nvme.nvme->critical_warning == 4);
    CHECK(nvme.nvme->temperature_sensors == std::vector<int64_t>{41});
    const Smart scsi =
        must(parse_smartctl(R"({"smartctl": {}, "device": {"name": "/dev/sdb", "protocol": "SCSI"},
      "vendor": "SEAGATE", "product": "ST600", "revision": "A1", "logical_unit_id": "0x5000c500a1b2c3d4",
      "scsi_grown_defect_list": 4, "scsi_percentage_used_endurance_indicator": 5,
      "scsi_error_counter_log": {"read": {"total_errors_corrected": 40247, "total_uncorrected_errors": 1,
        "gigabytes_processed": "162438.759"}},
      "scsi_self_test_0": {"code": {"string": "Background short"}, "result": {"string": "Completed"},
        "power_on_time": {"hours": 49108}}})"));
    CHECK(scsi.model == "SEAGATE ST600");
    CHECK(scsi.wwn == "0x5000c500a1b2c3d4");
    CHECK(scsi.grown_defects == 4);
    CHECK(scsi.error_counters.at(0).uncorrected == 1);
    CHECK(scsi.wear->percent_used == 5);
    CHECK(scsi.self_tests.at(0).lifetime_hours == 49108);
    const Smart silent = must(parse_smartctl(R"({"smartctl": {"exit_status": 2,
      "messages": [{"string": "Smartctl open device: /dev/sdq failed: No such device", "severity": "error"}]}})"));
    CHECK(!silent.passed);
    CHECK(silent.messages.size() == 1);
}

TEST_CASE("smartctl: wear is said only where the number means it")
{
    const auto wear = [](std::string_view name, std::string_view numbers) {
        return must(parse_smartctl(fmt::format(
                        R"({{"smartctl": {{}}, "device": {{}}, "model_name": "X",
                           "ata_smart_attributes": {{"table": [{{"id": 1, "name": "{}", {}}}]}}}})",
                        name, numbers)))
            .wear;
    };
    CHECK(wear("Media_Wearout_Indicator", R"("value": 88)")->percent_used == 12);
    CHECK(wear("Percent_Lifetime_Remain", R"("value": 97, "raw": {"value": 3})")->percent_used == 3);
    CHECK(wear("Remaining_Lifetime_Perc", R"("value": 100, "raw": {"value": 96})")->percent_used == 4);
    CHECK(wear("Percent_Lifetime_Used", R"("value": 100, "raw": {"value": 7})")->percent_used == 7);
    CHECK(!wear("Media_Wearout_Indicator", R"("value": 200)"));
    CHECK(!wear("Media_Wearout_Indicator", R"("value": null)"));
    CHECK(!wear("Wear_Leveling_Count", R"("value": 100, "raw": {"value": 401})"));
    CHECK(!wear("Average_Erase_Count", R"("value": 50)"));
}

TEST_CASE("smartctl: what is empty, foreign or cut is refused")
{
    CHECK(refusal_of(parse_smartctl(sata.substr(0, 500))).find("not JSON") != std::string::npos);
    CHECK(refusal_of(parse_smartctl(R"({"blockdevices": []})")).find("no object \"smartctl\"") !=
          std::string::npos);
    CHECK(refusal_of(parse_smartctl(R"({"smartctl": {}})")).find("it speaks of no device") !=
          std::string::npos);
}

TEST_CASE("LVM: a full report with a thin pool, hidden volumes, an orphan, and a log")
{
    const Lvm lvm = must(parse_lvm(R"({"report": [
      {"vg": [{"vg_uuid":"V1", "vg_name":"data", "vg_attr":"wz-pn-", "vg_size":"10737418240", "vg_free":"0",
               "vg_extent_size":"4194304", "vg_extent_count":"2560", "vg_tags":"ssd,hot", "vg_seqno":"27"}],
       "pv": [{"pv_uuid":"P1", "pv_name":"/dev/sda2", "pv_attr":"a-m", "dev_size":"10738466816B", "pv_size":"<10.00g"}],
       "lv": [{"lv_uuid":"L1", "lv_name":"thin", "lv_attr":"Vwi-aotz--", "pool_lv":"pool", "lv_size":"5368709120",
               "data_percent":"12.50", "lv_tags":"", "lv_origin":""},
              {"lv_uuid":"L2", "lv_name":"[pool_tmeta]", "lv_attr":"ewi-ao---p"},
              {"lv_uuid":"L3", "lv_name":"snap", "lv_attr":"swi-I-s---", "origin":"[root]", "data_percent":"100.00"}],
       "pvseg": [{"pvseg_start":"0", "pvseg_size":"2560", "pv_uuid":"P1", "lv_uuid":"L1"}],
       "seg": [{"segtype":"thin", "lv_uuid":"L1", "seg_size":"5368709120"}]},
      {"vg": [{"vg_name":"", "vg_uuid":""}], "pv": [{"pv_uuid":"P2", "pv_name":"/dev/sdb", "pv_size":"20971520S"}]}],
      "log": [{"log_seq_num":"1", "log_type":"error", "log_message":"it hurts", "log_errno":"-1"}]})"));
    REQUIRE(lvm.groups.size() == 1);
    CHECK(lvm.groups[0].size == 10737418240);
    CHECK(lvm.groups[0].tags == Words{"ssd", "hot"});
    CHECK(lvm.groups[0].fields.at("vg_seqno") == 27);
    CHECK(vg_attr_meaning(lvm.groups[0].attr).at("partial") == "partial");
    REQUIRE(lvm.physical.size() == 2);
    CHECK(lvm.physical[0].group == "data");
    CHECK(lvm.physical[0].device_size == 10738466816);
    CHECK(!lvm.physical[0].size);
    CHECK(lvm.physical[0].fields.at("pv_size") == "<10.00g");
    CHECK(pv_attr_meaning(lvm.physical[0].attr).at("missing") == "missing");
    CHECK(lvm.physical[1].group.empty());
    CHECK(lvm.physical[1].size == 10737418240);
    REQUIRE(lvm.logical.size() == 3);
    CHECK(lvm.logical[0].pool == "pool");
    CHECK(lvm.logical[0].data_percent == 12.5);
    CHECK(lvm.logical[0].tags.empty());
    CHECK(lv_attr_meaning(lvm.logical[0].attr) ==
          std::map<std::string, std::string>{
              {"type", "thin volume"}, {"permissions", "writeable"}, {"state", "active"}, {"open", "open"}});
    CHECK(lvm.logical[1].name == "pool_tmeta");
    CHECK(lvm.logical[1].hidden);
    CHECK(lvm.logical[2].origin == "root");
    CHECK(lv_attr_meaning(lvm.logical[2].attr).at("state") == "invalid snapshot");
    CHECK(lvm.segments.at(0).fields.at("seg_size") == 5368709120);
    CHECK(lvm.physical_segments.at(0).fields.at("pvseg_size") == 2560);
    CHECK(lvm.log.at(0).at("log_message") == "it hurts");
}

TEST_CASE("LVM: lvs with a row for each segment, and json_std with its numbers and lists")
{
    const Lvm lvm = must(parse_lvm(R"lvs({"report": [{"lv": [
      {"lv_name":"root", "vg_name":"vg0", "devices":"/dev/sda2(0)"},
      {"lv_name":"root", "vg_name":"vg0", "devices":"/dev/sdb2(10),/dev/sdc2(0)"},
      {"lv_name":"root", "vg_name":"vg1", "lv_size":4194304, "lv_tags":["a","b"], "data_percent":null}]
}]
})lvs"));
    REQUIRE(lvm.logical.size() == 2);
    CHECK(lvm.logical[0].group == "vg0");
    CHECK(lvm.logical[0].devices == Words{"/dev/sda2(0)", "/dev/sdb2(10)", "/dev/sdc2(0)"});
    CHECK(lvm.logical[1].size == 4194304);
    CHECK(lvm.logical[1].tags == Words{"a", "b"});
    CHECK(!lvm.logical[1].data_percent);
}

TEST_CASE("LVM: what is empty, foreign or cut is refused")
{
    CHECK(refusal_of(parse_lvm(R"({"report": [{"dm": []}]})")).find("neither of vg nor pv nor lv") !=
          std::string::npos);
    CHECK(refusal_of(parse_lvm(R"({"report": {}})")).find("no list \"report\"") != std::string::npos);
    CHECK(refusal_of(parse_lvm(R"({"report": [{"vg": [7]}]})")).find("a row of \"vg\"") != std::string::npos);
    CHECK(refusal_of(parse_lvm(R"({"report": [)")).find("not JSON") != std::string::npos);
}

}  // namespace
}  // namespace belay::storage::parse::tools_json_test
