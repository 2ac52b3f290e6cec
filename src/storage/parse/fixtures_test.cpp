// Outputs that others captured on real systems, with what they found in them. They are not part of Belay:
// BELAY_FIXTURES (a CMake option) says where they are, and without them these tests are skipped.

#include "base/testing/must.h"
#include "storage/parse/kinds.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace belay::storage::parse::fixtures_test {
namespace {

std::string read_file(const std::filesystem::path& path)
{
    std::ifstream file(path);
    REQUIRE_MESSAGE(file, path.string());
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

/// The files under a folder of the fixtures with this beginning and end, in order.
std::vector<std::filesystem::path> files(const std::string& folder, std::string_view begin,
                                         std::string_view end)
{
    std::vector<std::filesystem::path> found;
    const std::filesystem::path top = std::filesystem::path(BELAY_FIXTURES) / folder;
    if (!std::filesystem::is_directory(top)) {
        MESSAGE("skipped: there is no " << top.string());
        return found;
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(top)) {
        const std::string name = entry.path().filename();
        if (name.starts_with(begin) && name.ends_with(end)) found.push_back(entry.path());
    }
    std::ranges::sort(found);
    return found;
}

Json parsed(std::string_view kind, const std::filesystem::path& path)
{
    return must(parse_as(*kind_named(kind), read_file(path)));
}

/// What jc found in the same text; it writes `.json` beside `.out`.
Json found_by_jc(std::filesystem::path path)
{
    return Json::parse(read_file(path.replace_extension(".json")));
}

/// A value of ours against one of jc's, where jc has one.
void check_same(const Json& ours, const char* our_key, const Json& theirs, const char* their_key)
{
    if (!theirs.contains(their_key) || theirs[their_key].is_null()) return;
    INFO(our_key << " of " << theirs.dump());
    CHECK(ours.value(our_key, Json()) == theirs[their_key]);
}

void check_rows(const Json& ours, const Json& theirs)
{
    REQUIRE(ours.size() == theirs.size());
    for (size_t i = 0; i < theirs.size(); ++i) {
        check_same(ours[i], "number", theirs[i], "number");
        check_same(ours[i], "major", theirs[i], "major");
        check_same(ours[i], "minor", theirs[i], "minor");
        check_same(ours[i], "slot", theirs[i], "raid_device");
        check_same(ours[i], "device", theirs[i], "device");
        check_same(ours[i], "state", theirs[i], "state");
        CHECK(ours[i].contains("slot") ==
              (theirs[i].contains("raid_device") && !theirs[i]["raid_device"].is_null()));
    }
}

void check_common(const Json& ours, const Json& theirs)
{
    for (const char* key : {"device", "version", "raid_devices", "total_devices", "active_devices",
                            "failed_devices", "working_devices", "spare_devices", "preferred_minor", "layout",
                            "creation_time", "update_time", "feature_map", "magic", "device_uuid"})
        check_same(ours, key, theirs, key);
    if (theirs.contains("magic") && theirs["magic"] == "de11de11") return;
    check_same(ours, "level", theirs, "raid_level");
    check_same(ours, "name", theirs, "name_val");
    check_same(ours, "homehost", theirs, "homehost");
    check_same(ours, "events", theirs, "events_num");
    check_same(ours, "state", theirs, "state_list");
}

void check_detail(const Json& ours, const Json& theirs)
{
    check_common(ours, theirs);
    check_same(ours, "uuid", theirs, "uuid_val");
    check_same(ours, "consistency_policy", theirs, "consistency_policy");
    check_same(ours, "member_arrays", theirs, "member_arrays_list");
    check_same(ours, "container_guid", theirs, "container_guid");
    for (const char* action : {"rebuild", "resync", "check", "reshape"})
        check_same(ours.value("sync", Json::object()), "percent", theirs,
                   fmt::format("{}_status_percent", action).c_str());
    if (theirs.contains("array_size_num"))
        CHECK(ours["array_size"] == theirs["array_size_num"].get<uint64_t>() * 1024);
    if (theirs.contains("used_dev_size_num"))
        CHECK(ours["used_dev_size"] == theirs["used_dev_size_num"].get<uint64_t>() * 1024);
    check_rows(ours["devices"], theirs.value("device_table", Json::array()));
}

void check_ddf(const Json& ours, const Json& theirs)
{
    CHECK(ours["volumes"].size() == theirs["virtual_disks"]);
    check_same(ours["volumes"][0], "uuid", theirs, "vd_guid_0");
    check_same(ours["volumes"][0], "name", theirs, "name_0");
    check_same(ours["volumes"][0], "state", theirs, "state_0");
    check_same(ours["volumes"][0], "level", theirs, "raid_level_0");
    CHECK(fmt::format("{}", ours["volumes"][0]["array_size"].get<uint64_t>() / 1024) ==
          theirs["array_size_0"].get<std::string>());
    const Json& table = theirs["device_table"];
    REQUIRE(ours["disks"].size() == table.size());
    for (size_t i = 0; i < table.size(); ++i) {
        check_same(ours["disks"][i], "refno", table[i], "RefNo");
        check_same(ours["disks"][i], "device", table[i], "Device");
        CHECK(fmt::format("{}K", ours["disks"][i]["size"].get<uint64_t>() / 1024) ==
              table[i]["Size"].get<std::string>());
    }
}

void check_examine(const Json& ours, const Json& theirs)
{
    check_common(ours, theirs);
    if (theirs["magic"] == "de11de11") return check_ddf(ours, theirs);
    check_same(ours, "array_uuid", theirs, theirs.contains("array_uuid") ? "array_uuid" : "uuid_val");
    check_same(ours, "checksum", theirs, "checksum_val");
    check_same(ours, "flags", theirs, "flag_list");
    check_same(ours, "array_state", theirs, "array_state_list");
    CHECK(ours["checksum_correct"] == (theirs["checksum_state"] == "correct"));
    const auto sectors = [&](const char* our_key, const char* their_key) {
        if (theirs.contains(their_key)) CHECK(ours[our_key] == theirs[their_key].get<uint64_t>() * 512);
    };
    sectors("data_offset", "data_offset");
    sectors("super_offset", "super_offset");
    sectors("unused_before", "unused_space_before");
    sectors("unused_after", "unused_space_after");
    sectors("avail_dev_size", "avail_dev_size_num");
    if (theirs.contains("device_role")) {
        const std::string role = theirs["device_role"];
        CHECK(ours["role"] == (role.starts_with("Active") ? "active" : role));
        if (role.starts_with("Active"))
            CHECK(role.ends_with(fmt::format(" {}", ours["slot"].get<uint64_t>())));
    }
    if (theirs.contains("device_table")) check_rows(ours["devices"], theirs["device_table"]);
}

TEST_CASE("captured: mdadm --detail and --examine say what jc found in them")
{
    for (const auto& path : files("jc", "mdadm-", ".out")) {
        CAPTURE(path.string());
        const bool examine = path.filename().string().starts_with("mdadm-examine");
        const Json ours = parsed(examine ? "mdadm-examine" : "mdadm-detail", path);
        if (ours.contains("arrays"))
            check_detail(ours["arrays"].at(0), found_by_jc(path));
        else
            check_examine(ours["devices"].at(0), found_by_jc(path));
    }
}

std::string in_one_line(std::string text)
{
    std::ranges::replace(text, '\n', ' ');
    return text;
}

/// The table of a pool as jc has it: row under row.
void flatten(const Json& vdev, Json& rows)
{
    rows.push_back(vdev);
    for (const Json& child : vdev.value("children", Json::array())) flatten(child, rows);
}

TEST_CASE("captured: zpool status says what jc found in it")
{
    for (const auto& path : files("jc", "zpool-status", ".out")) {
        CAPTURE(path.string());
        const Json ours = parsed("zpool-status", path)["pools"], theirs = found_by_jc(path);
        REQUIRE(ours.size() == theirs.size());
        for (size_t i = 0; i < theirs.size(); ++i) {
            check_same(ours[i], "name", theirs[i], "pool");
            check_same(ours[i], "state", theirs[i], "state");
            check_same(ours[i], "see", theirs[i], "see");
            for (const char* key : {"status", "action"}) {
                if (theirs[i].contains(key)) CHECK(ours[i][key] == in_one_line(theirs[i][key]));
            }
            for (const char* key : {"scan", "scrub"}) {
                if (theirs[i].contains(key))
                    CHECK(ours[i]["scans"][0]["text"] == in_one_line(theirs[i][key]));
            }
            CHECK(in_one_line(theirs[i]["errors"]).starts_with(ours[i]["errors"].get<std::string>()));
            Json rows = Json::array();
            flatten(ours[i]["config"], rows);
            REQUIRE(rows.size() == theirs[i]["config"].size());
            for (size_t row = 0; row < rows.size(); ++row) {
                for (const char* key : {"name", "state", "read", "write"})
                    check_same(rows[row], key, theirs[i]["config"][row], key);
                check_same(rows[row], "cksum", theirs[i]["config"][row], "checksum");
                check_same(rows[row], "note", theirs[i]["config"][row], "errors");
            }
        }
    }
}

TEST_CASE("captured: cut in the middle, nothing comes out of them")
{
    const auto check = [](std::string_view kind, const std::vector<std::filesystem::path>& paths) {
        for (const auto& path : paths) {
            CAPTURE(path.string());
            const std::string text = read_file(path);
            for (const size_t part : {size_t{3}, text.size() / 3, text.size() / 2, text.size() - 3})
                CHECK_FALSE(parse_as(*kind_named(kind), std::string_view(text).substr(0, part)));
        }
    };
    check("mdadm-detail", files("jc", "mdadm-query", ".out"));
    check("mdadm-examine", files("jc", "mdadm-examine", ".out"));
    check("zpool-status", files("jc", "zpool-status", ".out"));
    check("mdstat", files("mdstat", "procfs", ".txt"));
    check("smartctl-json", files("smartctl-json", "", ".json"));
    check("lvm-json", files("lvm-json", "", ".json"));
}

TEST_CASE("captured: an mdstat with eighteen arrays")
{
    for (const auto& path : files("mdstat", "procfs", ".txt")) {
        CAPTURE(path.string());
        const Json ours = parsed("mdstat", path);
        // Every array and member of the text, counted another way.
        std::istringstream text(read_file(path));
        size_t arrays = 0, members = 0, faulty = 0, spare = 0;
        for (std::string line; std::getline(text, line);) {
            if (!line.starts_with("md")) continue;
            ++arrays;
            members += static_cast<size_t>(std::ranges::count(line, '['));
            for (size_t at = 0; (at = line.find("](", at)) != std::string::npos; ++at)
                ++(line.at(at + 2) == 'F' ? faulty : spare);
        }
        CHECK(ours["arrays"].size() == arrays);
        for (const Json& array : ours["arrays"]) {
            CHECK(array["size"].get<uint64_t>() > 0);
            for (const Json& member : array["members"]) {
                --members;
                faulty -= member.contains("faulty") ? 1 : 0;
                spare -= member.contains("spare") ? 1 : 0;
            }
        }
        CHECK(members == 0);
        CHECK(faulty == 0);
        CHECK(spare == 0);
    }
}

/// `json` at a path of keys, or null.
Json at(const Json& json, const char* pointer)
{
    const Json::json_pointer path(pointer);
    return json.contains(path) ? json[path] : Json();
}

TEST_CASE("captured: smartctl of sixty disks, number by number")
{
    for (const auto& path : files("smartctl-json", "", ".json")) {
        CAPTURE(path.string());
        const Json ours = parsed("smartctl-json", path), theirs = Json::parse(read_file(path));
        const std::vector<std::pair<const char*, const char*>> same{
            {"/device", "/device/name"},
            {"/serial", "/serial_number"},
            {"/firmware", "/firmware_version"},
            {"/capacity", "/user_capacity/bytes"},
            {"/temperature", "/temperature/current"},
            {"/power_on_hours", "/power_on_time/hours"},
            {"/power_cycles", "/power_cycle_count"},
            {"/passed", "/smart_status/passed"},
            {"/rotation_rate", "/rotation_rate"},
            {"/exit_status", "/smartctl/exit_status"},
            {"/nvme/percentage_used", "/nvme_smart_health_information_log/percentage_used"},
            {"/nvme/media_errors", "/nvme_smart_health_information_log/media_errors"},
            {"/nvme/data_units_written", "/nvme_smart_health_information_log/data_units_written"},
            {"/grown_defects", "/scsi_grown_defect_list"},
            {"/logged_errors", "/ata_smart_error_log/summary/count"},
            {"/error_counters/0/corrected", "/scsi_error_counter_log/read/total_errors_corrected"}};
        for (const auto& [our_path, their_path] : same) {
            if (const Json value = at(theirs, their_path); !value.is_null())
                CHECK(at(ours, our_path) == value);
        }
        CHECK(ours["model"] == theirs.value("model_name", theirs.value("scsi_model_name", "")));
        const Json table = at(theirs, "/ata_smart_attributes/table");
        CHECK(ours.value("attributes", Json::array()).size() == table.size());
        for (size_t i = 0; i < table.size(); ++i) {
            for (const auto& [our_key, their_path] :
                 std::vector<std::pair<const char*, const char*>>{{"id", "/id"},
                                                                  {"name", "/name"},
                                                                  {"value", "/value"},
                                                                  {"worst", "/worst"},
                                                                  {"threshold", "/thresh"},
                                                                  {"raw", "/raw/value"},
                                                                  {"raw_text", "/raw/string"}})
                CHECK(ours["attributes"][i][our_key] == at(table[i], their_path));
        }
    }
}

/// A line of the exporter: lvm_pv_dev_size_bytes{pv_uuid="..."} 5.9e+10
struct Metric {
    std::string name, uuid;
    double value = 0;
};

std::vector<Metric> metrics_of(const std::filesystem::path& path)
{
    std::vector<Metric> metrics;
    std::istringstream text(read_file(path));
    for (std::string line; std::getline(text, line);) {
        const size_t brace = line.find('{'), uuid = line.find("_uuid=\""), end = line.rfind("} ");
        if (line.starts_with('#') || brace == std::string::npos || uuid == std::string::npos) continue;
        metrics.push_back({line.substr(0, brace), line.substr(uuid + 7, line.find('"', uuid + 7) - uuid - 7),
                           std::stod(line.substr(end + 2))});
    }
    return metrics;
}

const Json* with_uuid(const Json& list, const std::string& uuid)
{
    const auto found =
        std::ranges::find_if(list, [&](const Json& one) { return one.value("uuid", "") == uuid; });
    return found == list.end() ? nullptr : &*found;
}

TEST_CASE("captured: LVM's full report has the numbers that an exporter makes of it")
{
    for (auto path : files("lvm-json", "", ".json")) {
        CAPTURE(path.string());
        const Json ours = parsed("lvm-json", path);
        const auto golden = path.replace_extension(".golden");
        if (!std::filesystem::exists(golden)) continue;
        size_t compared = 0;
        for (const Metric& metric : metrics_of(golden)) {
            if (metric.name.ends_with("_info") || metric.name.ends_with("_attr")) continue;
            const Json* thing = nullptr;
            for (const char* list : {"vgs", "pvs", "lvs"})
                if (thing == nullptr) thing = with_uuid(ours[list], metric.uuid);
            CAPTURE(metric.name);
            REQUIRE(thing != nullptr);
            const bool bytes = metric.name.ends_with("_bytes");
            const std::string full = metric.name.substr(4, metric.name.size() - (bytes ? 10 : 4));
            const Json& fields = (*thing)["fields"];
            // The exporter puts the kind in front also where LVM does not.
            const std::string column = fields.contains(full) ? full : full.substr(3);
            if (!fields.contains(column) || !fields[column].is_number()) continue;
            ++compared;
            CHECK(fields[column].get<double>() == doctest::Approx(metric.value));
        }
        CHECK(compared > 20);
    }
}

}  // namespace
}  // namespace belay::storage::parse::fixtures_test
