// LVM, as `lvm fullreport` tells it.

#include "storage/probe.h"
#include "storage/survey_parts.h"

#include <algorithm>

namespace belay::storage {
namespace {

/// Columns that lvm2 2.02.158 (2016) has already: it refuses the whole question for one that it does not
/// know.
constexpr const char* group_columns =
    "vg_name,vg_uuid,vg_attr,vg_size,vg_free,vg_extent_size,pv_count,vg_missing_pv_count,vg_systemid";
constexpr const char* physical_columns = "pv_name,pv_uuid,pv_attr,pv_size,pv_free";
constexpr const char* logical_columns =
    "lv_name,lv_uuid,lv_attr,lv_size,lv_path,lv_layout,lv_role,lv_kernel_minor,origin,pool_lv,data_lv,"
    "metadata_lv,"
    "lv_metadata_size,data_percent,metadata_percent,sync_percent,lv_health_status,lv_snapshot_invalid";

/// The two reports of segments are wanted by nobody; they cannot be switched off, only be made small.
host::Command fullreport()
{
    host::Command command{
        .argv = {"lvm", "fullreport", "--foreign", "--reportformat", "json", "--units", "b", "--nosuffix"},
        .limit = std::chrono::seconds(30)};
    const std::pair<const char*, const char*> reports[] = {{"vg", group_columns},
                                                           {"pv", physical_columns},
                                                           {"lv", logical_columns},
                                                           {"pvseg", "pv_uuid"},
                                                           {"seg", "lv_uuid"}};
    for (const auto& [report, columns] : reports)
        command.argv.insert(command.argv.end(), {"--configreport", report, "-o", columns});
    return command;
}

bool has_lvm(const Survey& survey)
{
    bool found = false;
    for_each_content(survey.inventory, [&](const std::string&, const Content& content) {
        found = found || content.type == "LVM2_member";
    });
    return found || std::ranges::any_of(survey.mapped, [](const auto& mapped) {
               return mapped.second.uuid.starts_with("LVM-");
           });
}

/// The kernel name of a PV; empty where it is missing.
std::string pv_device(host::Host& host, const std::set<std::string>& devices, const std::string& path)
{
    if (!path.starts_with("/dev/")) return {};  // "[unknown]"
    std::string name = path.substr(std::string_view("/dev/").size());
    if (devices.contains(name)) return name;
    const auto device = device_if_there(host, path);
    return device ? device->value_or("") : std::string();
}

}  // namespace

void look_at_lvm(host::Host& host, Survey& survey)
{
    if (!has_lvm(survey)) return;
    const auto outcome = ask_tool(host, survey, "LVM", fullreport(), "lvm2");
    if (!outcome) return;
    auto report = parse::parse_lvm(outcome->out);
    if (!report) {
        const bool has_failed = outcome->exit_code != 0;
        note_not_looked(
            survey, "LVM",
            has_failed ? fmt::format("lvm ended with {}: {}", outcome->exit_code, last_line(outcome->err))
                       : report.error().what,
            "lvm fullreport");
        return;
    }
    std::set<std::string> devices;
    for_each_content(survey.inventory,
                     [&](const std::string& device, const Content&) { devices.insert(device); });
    for (const parse::LvmPhysical& pv : report->physical) {
        const std::string device = pv_device(host, devices, pv.name);
        if (!device.empty()) survey.physical[device] = pv.uuid;
    }
    survey.lvm = *std::move(report);
}

}  // namespace belay::storage
