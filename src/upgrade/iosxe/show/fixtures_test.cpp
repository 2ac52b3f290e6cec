// Outputs that others captured on real devices, with what another parser found in them. They are not part of
// Belay: BELAY_FIXTURES (a CMake option) says where they are, and without them these tests are skipped.
//
// Both tell the same facts under other names. For each command a function says what Belay's JSON would be in
// the other's form; then every value of the other's must be in it, but for those that are named here.

#include "base/printed/lines.h"
#include "upgrade/iosxe/show/testing/answers.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace belay::upgrade::iosxe::show::fixtures_test {
namespace {

using Path = std::filesystem::path;

std::string content_of(const Path& path)
{
    std::ifstream file(path);
    REQUIRE_MESSAGE(file, path.string());
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

/// The texts of all devices, in order; none where there are no fixtures.
std::vector<Path> texts()
{
    std::vector<Path> found;
    const Path top = Path(BELAY_FIXTURES) / "iosxe";
    if (!std::filesystem::is_directory(top)) {
        MESSAGE("skipped: there is no " << top.string());
        return found;
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(top))
        if (entry.path().extension() == ".txt") found.push_back(entry.path());
    std::ranges::sort(found);
    return found;
}

std::string text_of(const Json& value)
{
    return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string lower(std::string text)
{
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(tolower(c)); });
    return text;
}

/// Copies the values under keys of ours to keys of theirs, where they are.
using Names = std::vector<std::pair<const char*, const char*>>;
Json renamed(const Json& ours, const Names& names)
{
    Json theirs = Json::object();
    for (const auto& [our_key, their_key] : names)
        if (ours.contains(our_key)) theirs[their_key] = ours.at(our_key);
    return theirs;
}

std::string state_letter(const Json& package)
{
    const std::string state = package.at("state");
    const std::map<std::string, std::string> letters{
        {"inactive", "I"}, {"uncommitted", "U"}, {"committed", "C"}, {"deactivated", "D"}};
    return letters.at(state);
}

Json of_dir(const Json& ours)
{
    Json files = Json::object();
    for (const Json& entry : ours.at("entries"))
        files[entry.at("name").get<std::string>()] = renamed(entry, {{"index", "index"},
                                                                     {"permissions", "permissions"},
                                                                     {"size", "size"},
                                                                     {"modified", "last_modified_date"}});
    const std::string path = ours.at("path");
    Json theirs = {{"dir", path}};
    theirs[path] = {{"bytes_free", ours.at("free")}, {"bytes_total", ours.at("total")}, {"files", files}};
    return {{"dir", theirs}};
}

Json of_path_list(const Json& member)
{
    return renamed(member, {{"boot", "boot_path_list"},
                            {"config_file", "config_file"},
                            {"private_config_file", "private_config_file"},
                            {"enable_break", "enable_break"},
                            {"manual_boot", "manual_boot"},
                            {"allow_dev_key", "allow_dev_key"},
                            {"auto_upgrade", "auto_upgrade"},
                            {"boot_optimization", "boot_optimization"},
                            {"nvram_buffer", "nvram_buffer_size"},
                            {"config_download_timeout", "timeout_config_download"},
                            {"download_by_dhcp", "config_download_via_dhcp"},
                            {"next_download_by_dhcp", "next_boot"}});
}

Json of_boot(const Json& ours)
{
    const Json& members = ours.at("members");
    Json theirs = Json::object();
    if (members.at(0).contains("auto_upgrade")) {
        theirs = of_path_list(members.at(0));
        for (size_t one = 1; one < members.size(); ++one)
            theirs["switches"][members.at(one).at("member").get<std::string>()] =
                of_path_list(members.at(one));
        return theirs;
    }
    for (const Json& member : members) {
        const std::string name = member.at("member");
        Json one = renamed(member, {{"boot", "boot_variable"},
                                    {"manual_boot", "manual_boot"},
                                    {"config_register", "configuration_register"},
                                    {"next_config_register", "next_reload_configuration_register"}});
        if (name == "active" && one.contains("boot_variable"))
            theirs["next_reload_boot_variable"] = one["boot_variable"];
        if (name == "active" && member.contains("config_file")) theirs["config_file"] = member["config_file"];
        // The other parser takes the semicolon from this one alone.
        if (name == "standby") {
            std::string boot = one.at("boot_variable");
            if (boot.ends_with(';')) boot.pop_back();
            one["boot_variable"] = boot;
            if (one.contains("manual_boot")) one["standby_manual_boot"] = one["manual_boot"];
        }
        theirs[name] = one;
    }
    return theirs;
}

Json of_boot_system(const Json& ours)
{
    CHECK(ours.at("members").size() == 2);
    return renamed(ours.at("members").at(1), {{"boot", "boot_variable"},
                                              {"mode", "bootmode"},
                                              {"enable_break", "enable_break"},
                                              {"ipxe_timeout", "ipxe_timeout"},
                                              {"manual_boot", "is_manual_boot"}});
}

/// "inactive", as the other parser keeps the timer.
std::string timer_of(const Json& set)
{
    return set.contains("timer") && !set["timer"]["active"].get<bool>() ? "inactive" : "";
}

Json of_install_list(const Json& ours, const char* which)
{
    const Json& set = ours.at("sets").at(0);
    Json packages = Json::object();
    for (const Json& package : set.at("packages"))
        packages[package.at("version").get<std::string>()] = {{"type", package.at("type")},
                                                              {"state", state_letter(package)},
                                                              {"version", package.at("version")}};
    Json theirs = {{"abort_timer", timer_of(set)}};
    theirs[which] = packages;
    if (std::string_view(which) == "inactive") theirs[which] = {{"version", packages}};
    if (packages.empty()) theirs["uncommitted_package"] = "No Uncommitted Packages";
    return theirs;
}

Json of_install_summary(const Json& ours)
{
    Json theirs = Json::object();
    for (const Json& set : ours.at("sets")) {
        Json packages = Json::object();
        for (const Json& package : set.at("packages"))
            packages[std::to_string(packages.size() + 1)] = {{"filename_version", package.at("version")},
                                                             {"state", state_letter(package)},
                                                             {"type", package.at("type")}};
        theirs["location"][set.at("place").get<std::string>()] = {{"auto_abort_timer", timer_of(set)},
                                                                  {"pkg_state", packages}};
    }
    return theirs;
}

Json of_rollback_id(const Json& ours)
{
    std::istringstream created(ours.at("created").get<std::string>());
    std::string day, month, date, time;
    created >> day >> month >> date >> time;
    Json one = renamed(ours, {{"label", "label"}, {"description", "description"}});
    one["date"] = fmt::format("{} {} {}", day, month, date);
    one["time"] = time;
    one["reload_required"] = ours.at("reload_required").get<bool>() ? "YES" : "NO";
    for (const Json& package : ours.at("packages"))
        one["type"][package.at("type").get<std::string>()] = {{"state", state_letter(package)},
                                                              {"filename_version", package.at("version")}};
    Json theirs;
    theirs["id"][text_of(ours.at("id"))] = one;
    return theirs;
}

Json of_install_versions(const Json& ours)
{
    Json theirs;
    for (const Json& version : ours.at("versions")) {
        Json one = {{"filename", ""}, {"cw_image", ""}, {"checksum", ""}};
        one.update(renamed(version, {{"extension", "version_extension"},
                                     {"state", "version_state"},
                                     {"file", "filename"},
                                     {"cw_image", "cw_image"},
                                     {"checksum", "checksum"}}));
        for (const Json& package : version.at("packages")) {
            const size_t number = one.contains("pkg_list") ? one["pkg_list"].size() + 1 : 1;
            one["pkg_list"][std::to_string(number)] = renamed(
                package, {{"type", "package_type"}, {"name", "package_name"}, {"state", "package_state"}});
        }
        theirs["location"][version.at("location").get<std::string>()]["version"]
              [version.at("version").get<std::string>()] = one;
    }
    return theirs;
}

Json of_rollback_timer(const Json& ours)
{
    Json theirs = renamed(ours, {{"reason", "rollback_timer_reason"}});
    theirs["rollback_timer_state"] = ours.at("timer").at("active").get<bool>() ? "active" : "inactive";
    if (ours.contains("location")) theirs["slot"] = ours["location"].get<std::string>().substr(1);
    return theirs;
}

/// Where the text does not say which slot it is of, the other parser takes one; `slot` is that.
Json of_issu_state(const Json& ours, const std::string& slot)
{
    Json one = renamed(ours, {{"status", "current_status"}, {"previous", "previous_operation"}});
    one["issu_in_progress"] = ours.at("in_progress");
    for (const Json& check : ours.value("checks", Json::array())) {
        const std::string key = printed::field_name(check.at("name").get<std::string>());
        one["system_check"][key == "operational_mode" ? "opertional_mode" : key] = check.at("status");
    }
    for (const Json& own : ours.value("slots", Json::array())) {
        CHECK("R" + own.at("slot").get<std::string>() == slot);
        one.update(renamed(own, {{"rp_state", "rp_state"},
                                 {"issu_state", "issu_state"},
                                 {"boot_variable", "boot_variable"},
                                 {"operating_mode", "operating_mode"},
                                 {"primary_version", "primary_version"},
                                 {"secondary_version", "secondary_version"},
                                 {"current_version", "running_image"},
                                 {"variable_store", "variable_store"}}));
    }
    Json theirs;
    theirs["slot"][slot] = one;
    return theirs;
}

Json of_processor(const Json& ours)
{
    return renamed(ours, {{"boot", "boot"},
                          {"config_register", "config_register"},
                          {"state", "curr_sw_state"},
                          {"image", "image_ver"},
                          {"uptime", "uptime_in_curr_state"},
                          {"compiled", "compiled_date"},
                          {"compiled_by", "compiled_by"}});
}

Json of_redundancy(const Json& ours)
{
    Json theirs;
    theirs["red_sys_info"] = renamed(ours, {{"uptime", "available_system_uptime"},
                                            {"communications", "communications"},
                                            {"communications_reason", "communications_reason"},
                                            {"configured_mode", "conf_red_mode"},
                                            {"hardware_mode", "hw_mode"},
                                            {"last_switchover_reason", "last_switchover_reason"},
                                            {"maintenance_mode", "maint_mode"},
                                            {"operating_mode", "oper_red_mode"},
                                            {"standby_failures", "standby_failures"},
                                            {"switchovers", "switchovers_system_experienced"}});
    theirs["slot"][ours.at("active").at("location").get<std::string>()] = of_processor(ours.at("active"));
    if (ours.contains("peer"))
        theirs["slot"][ours["peer"].at("location").get<std::string>()] = of_processor(ours["peer"]);
    return theirs;
}

Json of_redundancy_states(const Json& ours, const Json& theirs_as_is)
{
    Json theirs = renamed(ours, {{"mode", "mode"},
                                 {"unit", "unit"},
                                 {"unit_id", "unit_id"},
                                 {"operational_mode", "redundancy_mode_operational"},
                                 {"configured_mode", "redundancy_mode_configured"},
                                 {"state", "redundancy_state"},
                                 {"maintenance_mode", "maintenance_mode"},
                                 {"manual_switchover", "manual_swact"},
                                 {"communications", "communications"},
                                 {"client_count", "client_count"},
                                 {"client_notification", "client_notification_tmr_msec"}});
    for (const auto& [state, code] :
         {std::pair{"my_state", "my_code"}, std::pair{"peer_state", "peer_code"}}) {
        // It is kept with its code and the blanks between them, as they are printed.
        const std::string printed = theirs_as_is.at(state);
        const size_t dash = printed.find('-');
        theirs[state] =
            text_of(ours.at(code)) +
            printed.substr(text_of(ours.at(code)).size(), dash + 1 - text_of(ours.at(code)).size()) +
            ours.at(state).get<std::string>();
    }
    return theirs;
}

Json of_history(const Json& ours)
{
    Json theirs;
    for (const Json& one : ours.at("switchovers"))
        theirs["index"][text_of(one.at("index"))] = renamed(one, {{"current_active", "current_active"},
                                                                  {"previous_active", "previous_active"},
                                                                  {"reason", "switchover_reason"},
                                                                  {"time", "switchover_time"}});
    return theirs;
}

Json of_pagp(const Json& ours)
{
    const auto word = [&](const char* key, const char* yes, const char* no) {
        return ours.at(key).get<bool>() ? yes : no;
    };
    Json theirs = {{"pagp_dad_enabled", word("enabled", "Yes", "No")},
                   {"in_dad_recovery", word("in_recovery", "Yes", "No")},
                   {"recovery_reload", word("recovery_reload", "Enabled", "Disabled")}};
    for (const Json& port : ours.at("ports")) {
        Json one = renamed(port, {{"partner", "partner_name"},
                                  {"partner_port", "partner_port"},
                                  {"partner_version", "partner_version"}});
        one["dad_capable"] = port.at("capable").get<bool>() ? "Yes" : "No";
        theirs["channel_group"][text_of(port.at("channel_group"))]["port"]
              [port.at("port").get<std::string>()] = one;
    }
    return theirs;
}

Json of_svl(const Json& ours, const char* list)
{
    Json theirs;
    for (const Json& port : ours.at("ports")) {
        Json one = renamed(port, {{"link_status", "link_status"},
                                  {"protocol_status", "protocol_status"},
                                  {"remote_port", "remote_port"}});
        if (!one.contains("remote_port")) one["remote_port"] = "None";
        theirs["switch"][text_of(port.at("member"))]["svl"][text_of(port.at("link"))][list]
              [port.at("port").get<std::string>()] = one;
    }
    return theirs;
}

Json of_switches(const Json& ours)
{
    Json theirs = renamed(ours, {{"mac", "mac_address"}});
    for (const Json& member : ours.at("members")) {
        Json one =
            renamed(member, {{"mac", "mac_address"}, {"priority", "priority"}, {"hardware", "hw_ver"}});
        one["role"] = lower(member.at("role"));
        one["state"] = lower(member.at("state"));
        size_t number = 0;
        for (const Json& port : member.value("ports", Json::array())) {
            Json own = {{"stack_port_status", lower(port.at("status"))}};
            if (port.contains("neighbour")) own["neighbors_num"] = port["neighbour"];
            one["ports"][std::to_string(++number)] = own;
        }
        theirs["stack"][text_of(member.at("number"))] = one;
    }
    return {{"switch", theirs}};
}

Json of_stack_ports(const Json& ours)
{
    Json theirs;
    for (const Json& port : ours.at("ports")) {
        const std::string name = port.at("port");
        theirs["switch"][name.substr(0, name.find('/'))]["port_" + name.substr(name.find('/') + 1)] =
            port.at("status");
    }
    return theirs;
}

Json of_stack_ports_summary(const Json& ours)
{
    Json theirs;
    for (const Json& port : ours.at("ports")) {
        Json one = renamed(port, {{"port", "stackport_id"},
                                  {"status", "port_status"},
                                  {"neighbour", "neighbor"},
                                  {"cable_length", "cable_length"},
                                  {"changes", "link_changes_count"}});
        for (const auto& [our_key, their_key] : Names{{"link_ok", "link_ok"},
                                                      {"link_active", "link_active"},
                                                      {"sync_ok", "sync_ok"},
                                                      {"loopback", "in_loopback"}})
            one[their_key] = port.at(our_key).get<bool>() ? "Yes" : "No";
        theirs["stackports"][port.at("port").get<std::string>()] = one;
    }
    return theirs;
}

Json of_platform_slots(const Json& ours, const Json& theirs_as_is)
{
    Json theirs = renamed(ours, {{"chassis", "chassis"}});
    theirs["main"] = renamed(ours, {{"chassis", "chassis"}});
    for (const Json& slot : ours.at("slots")) {
        const std::string name = slot.at("slot"), type = slot.at("type");
        Json one = renamed(slot, {{"type", "name"},
                                  {"state", "state"},
                                  {"inserted", "insert_time"},
                                  {"cpld", "cpld_ver"},
                                  {"firmware", "fw_ver"}});
        const size_t slash = name.find('/');
        const std::string top = name.substr(0, slash);
        one[slash == std::string::npos ? "slot" : "subslot"] = name.substr(slash + 1);
        const Json& known = theirs_as_is.at("slot").at(top);
        // One form groups by what it takes the card for, the other does not.
        if (known.contains("name")) {
            if (slash == std::string::npos)
                theirs["slot"][top].update(one);
            else
                theirs["slot"][top]["subslot"][name.substr(slash + 1)] = one;
            continue;
        }
        const std::string group = known.begin().key();
        Json& card = theirs["slot"][top][group][known.begin().value().begin().key()];
        if (slash == std::string::npos)
            card.update(one);
        else
            card["subslot"][name.substr(slash + 1)][type] = one;
    }
    return theirs;
}

Json of_platform(const Json& ours, const Json& theirs_as_is)
{
    if (!ours.at("slots").empty()) return of_platform_slots(ours, theirs_as_is);
    Json theirs;
    theirs["main"] = renamed(ours, {{"mac", "switch_mac_address"}});
    theirs["main"]["swstack"] = true;
    if (ours.contains("mac_persistency"))
        theirs["main"]["mac_persistency_wait_time"] = lower(ours["mac_persistency"]);
    for (const Json& member : ours.at("switches")) {
        const std::string number = text_of(member.at("number"));
        Json one = renamed(member, {{"number", "slot"},
                                    {"hardware", "hw_ver"},
                                    {"mac", "mac_address"},
                                    {"model", "name"},
                                    {"ports", "ports"},
                                    {"serial", "sn"},
                                    {"version", "sw_ver"},
                                    {"priority", "swstack_priority"},
                                    {"role", "swstack_role"},
                                    {"state", "state"}});
        if (member.contains("model"))
            theirs["slot"][number]["rp"][member["model"].get<std::string>()] = one;
        else
            // The other parser takes a row of the stack for one of a chassis.
            theirs["slot"][number] = {{"name", member.at("role")},
                                      {"state", member.at("priority")},
                                      {"insert_time", member.at("state")},
                                      {"slot", number}};
    }
    return theirs;
}

/// A card by the names of the Catalyst 9000s; the other parser keeps one address of the range, or both.
Json of_module(const Json& module, bool both_addresses)
{
    Json one = renamed(module, {{"ports", "ports"},
                                {"card", "card_type"},
                                {"model", "model"},
                                {"serial", "serial"},
                                {"hardware", "hw"},
                                {"firmware", "fw"},
                                {"software", "sw"},
                                {"status", "status"},
                                {"operating_mode", "operating_redundancy_mode"},
                                {"configured_mode", "configured_redundancy_mode"}});
    if (module.contains("mac_from")) {
        one["mac_address"] = module["mac_from"];
        if (both_addresses)
            one["mac_address"] =
                fmt::format("{} to {}", text_of(module["mac_from"]), text_of(module["mac_to"]));
    }
    if (module.contains("role")) one["redundancy_role"] = lower(module["role"]);
    if (module.contains("redundancy_status")) one["redundancy_status"] = lower(module["redundancy_status"]);
    return one;
}

Json of_modules(const Json& ours, const Json& theirs_as_is)
{
    Json theirs = renamed(ours, {{"chassis_type", "chassis_type"}});
    const bool one_address = theirs_as_is.dump().find(" to ") == std::string::npos;
    for (const Json& chassis : ours.at("chassis")) {
        Json modules = Json::object();
        for (const Json& module : chassis.at("modules")) {
            const std::string number = text_of(module.at("number"));
            modules[number] = of_module(module, !one_address);
            // Once by what it is and once by how it is.
            theirs["status"][number] = modules[number];
        }
        theirs["module"] = modules;
        if (!chassis.contains("number")) continue;
        theirs["switches"][text_of(chassis["number"])]["module"] = modules;
        theirs["switch"][text_of(chassis["number"])]["module"] = modules;
    }
    for (const Json& range : ours.value("mac_ranges", Json::array())) {
        const Json one = renamed(range, {{"count", "number_of_mac_address"},
                                         {"from", "chassis_mac_address_lower_range"},
                                         {"to", "chassis_mac_address_upper_range"}});
        if (range.contains("chassis"))
            theirs["chassis"][text_of(range["chassis"])] = one;
        else
            theirs.update(one);
    }
    return theirs;
}

Json of_modules_of_4500(const Json& ours)
{
    Json theirs = renamed(ours, {{"chassis_type", "chassis_type"}, {"power", "power_consumed"}});
    theirs["system_failures"] = {{"power_supply", ours.at("power_supply_failure")}};
    for (const Json& module : ours.at("chassis").at(0).at("modules"))
        theirs["mod"][text_of(module.at("number"))] =
            renamed(module, {{"number", "slot"},
                             {"card", "card_type"},
                             {"hardware", "hw_ver"},
                             {"firmware", "fw_ver"},
                             {"software", "sw_ver"},
                             {"mac_from", "mac_address_from"},
                             {"mac_to", "mac_address_to"},
                             {"model", "model"},
                             {"ports", "port"},
                             {"serial", "serial_number"},
                             {"status", "status"},
                             {"operating_mode", "operating_mode"},
                             {"role", "redundancy_role"},
                             {"redundancy_status", "redundancy_status"}});
    return theirs;
}

Json of_packages_by_role(const Json& ours)
{
    Json theirs;
    for (const Json& package : ours.at("packages"))
        theirs["role"][package.at("role").get<std::string>()] = renamed(package, {{"built", "built_date"},
                                                                                  {"sha1", "checksum"},
                                                                                  {"file", "file"},
                                                                                  {"kind", "file_type"},
                                                                                  {"built_by", "owner"},
                                                                                  {"package", "package"},
                                                                                  {"on", "location"},
                                                                                  {"status", "status"},
                                                                                  {"version", "version"}});
    return theirs;
}

Json of_packages_by_slot(const Json& ours)
{
    Json theirs;
    std::string name;
    for (const Json& package : ours.at("packages")) {
        // A name with a dash is none for the other parser: what it reads is of the package before.
        const std::string own = package.at("package");
        if (own.find('-') == std::string::npos) name = own;
        theirs["rp"]["standby"]["slot"][package.at("on").get<std::string>()]["package"][name] =
            renamed(package, {{"built_by", "built_by"},
                              {"built", "built_time"},
                              {"file", "file"},
                              {"sha1", "file_sha1_checksum"},
                              {"status", "status"},
                              {"version", "version"}});
    }
    return theirs;
}

constexpr uint64_t kibibyte = 1024;

Json of_version_member(const Json& member)
{
    return renamed(member, {{"active", "active"},
                            {"ports", "ports"},
                            {"model", "model"},
                            {"version", "sw_ver"},
                            {"image", "sw_image"},
                            {"mode", "mode"},
                            {"mac", "mac_address"},
                            {"motherboard_assembly", "mb_assembly_num"},
                            {"motherboard_serial", "mb_sn"},
                            {"model_revision", "model_rev_num"},
                            {"motherboard_revision", "mb_rev_num"},
                            {"model_number", "model_num"},
                            {"serial", "system_sn"},
                            {"uptime", "uptime"}});
}

Json of_version_memories(const Json& ours)
{
    Json theirs = Json::object();
    for (const Json& memory : ours.at("memories")) {
        const std::string kind = memory.at("kind"), at = memory.value("at", "");
        const std::string size = std::to_string(memory.at("size").get<uint64_t>() / kibibyte);
        for (const char* end : {"", "."})
            if (!at.empty()) theirs["disks"][at + end] = {{"disk_size", size}, {"type_of_disk", kind}};
        if (kind.starts_with("processor board")) theirs["processor_board_flash"] = size + "K";
        theirs["mem_size"][kind] = size;
        if (kind.starts_with("non-volatile")) theirs["mem_size"]["non_volatile_memory"] = size;
        if (kind == "physical") theirs["mem_size"]["physical_memory"] = size;
    }
    for (const Json& some : ours.at("interfaces")) {
        const std::string kind = some.at("kind");
        theirs["number_of_intfs"][kind] = some.at("count");
        theirs["number_of_intfs"][printed::field_name(kind) + "_interfaces"] = some.at("count");
        theirs["interfaces"][printed::field_name(kind.substr(0, kind.find('/')))] = some.at("count");
    }
    return theirs;
}

/// "17.8.20211001:172846" is 17.8; "12.1(22)EA12" is 12.1.
std::string short_version(const std::string& version)
{
    const size_t point = version.find('.');
    return version.substr(0, version.find_first_not_of("0123456789", point + 1));
}

Json of_version(const Json& ours)
{
    Json theirs = renamed(ours, {{"release", "xe_version"},
                                 {"version", "version"},
                                 {"code_name", "location"},
                                 {"software", "platform"},
                                 {"image", "image_id"},
                                 {"label", "label"},
                                 {"copyright", "copyright_years"},
                                 {"compiled", "compiled_date"},
                                 {"compiled_by", "compiled_by"},
                                 {"rom", "rom"},
                                 {"bootldr", "bootldr"},
                                 {"host", "hostname"},
                                 {"uptime", "uptime"},
                                 {"processor_uptime", "uptime_this_cp"},
                                 {"returned_by", "returned_to_rom_by"},
                                 {"returned_at", "returned_to_rom_at"},
                                 {"restarted_at", "system_restarted_at"},
                                 {"system_image", "system_image"},
                                 {"last_reload_reason", "last_reload_reason"},
                                 {"last_reload_type", "last_reload_type"},
                                 {"license_level", "license_level"},
                                 {"license_type", "license_type"},
                                 {"next_license_level", "next_reload_license_level"},
                                 {"air_license_level", "air_license_level"},
                                 {"next_air_license_level", "next_reload_air_license_level"},
                                 {"smart_licensing", "smart_licensing_status"},
                                 {"operating_mode", "router_operating_mode"},
                                 {"chassis", "chassis"},
                                 {"processor", "processor_type"},
                                 {"revision", "revision"},
                                 {"board_id", "chassis_sn"},
                                 {"config_register", "curr_config_register"},
                                 {"next_config_register", "next_config_register"}});
    theirs.update(of_version_memories(ours));
    if (ours.contains("last_reset")) theirs["last_reload_reason"] = ours["last_reset"];
    theirs["rtr_type"] = ours.at("chassis");
    theirs["version_short"] = short_version(ours.at("version"));
    theirs["main_mem"] = std::to_string(ours.at("memory").get<uint64_t>() / kibibyte);
    for (const Json& license : ours.at("licenses"))
        theirs["license_package"][license.at("package").get<std::string>()] =
            renamed(license, {{"current", "license_level"},
                              {"type", "license_type"},
                              {"next_reboot", "next_reload_license_level"}});
    for (const Json& member : ours.at("members")) {
        Json one = of_version_member(member);
        if (!one.contains("uptime")) one["uptime"] = ours.value("processor_uptime", "");
        // A switch alone does not say its number; the other parser takes 1.
        theirs["switch_num"][text_of(member.value("number", Json(1)))] = one;
    }
    return {{"version", theirs}};
}

/// Of a Catalyst 9500 the other parser has its own names.
Json of_version_9500(const Json& ours)
{
    Json theirs = of_version(ours).at("version");
    theirs.update(of_version_member(ours.at("members").at(0)));
    for (const auto& [our_key, their_key] : Names{{"code_name", "code_name"},
                                                  {"bootldr", "bootldr_version"},
                                                  {"air_license_level", "license_level"},
                                                  {"next_air_license_level", "next_reload_license_level"},
                                                  {"board_id", "processor_board_id"},
                                                  {"version", "version"},
                                                  {"uptime", "uptime"}})
        if (ours.contains(our_key)) theirs[their_key] = ours[our_key];
    return {{"version", theirs}};
}

/// What the text says in the other parser's form. `theirs` is for what the text alone does not decide.
Json in_their_form(const std::string& folder, const Json& ours, const Json& theirs, const Path& path)
{
    const bool is_9500 = path.string().find("c9500/") != std::string::npos;
    const bool is_4500 = path.string().find("cat4k/") != std::string::npos;
    if (folder == "Dir" || folder == "DirCrashInfo") return of_dir(ours);
    if (folder == "ShowBoot" || folder == "ShowBootvar") return of_boot(ours);
    if (folder == "ShowBootSystem") return of_boot_system(ours);
    if (folder == "ShowInstallCommitted") return of_install_list(ours, "committed");
    if (folder == "ShowInstallInactive") return of_install_list(ours, "inactive");
    if (folder == "ShowInstallUncommitted") return of_install_list(ours, "uncommitted");
    if (folder == "ShowInstallState" || folder == "ShowInstallSummary") return of_install_summary(ours);
    if (folder == "ShowInstallRollbackId") return of_rollback_id(ours);
    if (folder == "ShowInstallVersionAll" || folder == "ShowInstallVersionSummary")
        return of_install_versions(ours);
    if (folder == "ShowIssuRollbackTimer") return of_rollback_timer(ours);
    if (folder == "ShowIssuStateDetail") return of_issu_state(ours, theirs.at("slot").begin().key());
    if (folder == "ShowRedundancy") return of_redundancy(ours);
    if (folder == "ShowRedundancyStates") return of_redundancy_states(ours, theirs);
    if (folder == "ShowRedundancySwitchoverHistory") return of_history(ours);
    if (folder == "ShowRedundancyConfigSyncFailuresMcl") return {{"err_list", ours.at("lines")}};
    if (folder == "ShowStackwiseVirtualDualActiveDetectionPagp") return of_pagp(ours);
    if (folder == "ShowStackwiseVirtualLink") return of_svl(ours, "ports");
    if (folder == "ShowStackwiseVirtualNeighbors") return of_svl(ours, "local_port");
    if (folder == "ShowSwitch" || folder == "ShowSwitchDetail") return of_switches(ours);
    if (folder == "ShowSwitchStackPorts") return of_stack_ports(ours);
    if (folder == "ShowSwitchStackPortsSummary") return of_stack_ports_summary(ours);
    if (folder == "ShowPlatform") return of_platform(ours, theirs);
    if (folder == "ShowModule") return is_4500 ? of_modules_of_4500(ours) : of_modules(ours, theirs);
    if (folder == "ShowVersionMode") return of_packages_by_role(ours);
    if (folder == "ShowVersionRp") return of_packages_by_slot(ours);
    if (folder == "ShowVersion") return is_9500 ? of_version_9500(ours) : of_version(ours);
    FAIL("no form is known of " << folder);
    return {};
}

/// Values of the other parser that Belay does not tell: what it concludes or says twice, and details of old
/// hardware.
bool is_not_told(const std::string& pointer)
{
    constexpr std::string_view begins[] = {"/version/os",
                                           "/version/image_type",
                                           "/version/build_label",
                                           "/version/jawa_revision",
                                           "/version/snowtrooper_revision",
                                           "/version/processor/",
                                           "/version/image/",
                                           "/sup/",
                                           "/rf_debug_mask",
                                           "/version/module/"};
    return std::ranges::any_of(begins, [&](std::string_view begin) { return pointer.starts_with(begin); });
}

/// How many values were compared.
size_t compare(const Json& theirs, const Json& ours)
{
    size_t compared = 0;
    const Json leaves = theirs.flatten();
    for (const auto& [pointer, value] : leaves.items()) {
        if (is_not_told(pointer) || value.is_null()) continue;
        ++compared;
        CAPTURE(pointer);
        const Json::json_pointer at(pointer);
        const bool is_there = ours.contains(at);
        CHECK(is_there);
        if (is_there) CHECK(text_of(ours.at(at)) == text_of(value));
    }
    return compared;
}

/// The command that the folder is named after, with the arguments beside the text.
std::string command_of(const Path& path)
{
    const std::string folder = path.parent_path().filename();
    const std::map<std::string, std::string> irregular{
        {"Dir", "dir"},
        {"DirCrashInfo", "dir crashinfo:"},
        {"ShowInstallPackageSMU", "show install package smu"},
        {"ShowInstallRollbackId", "show install rollback id 2"},
        {"ShowIssuRollbackTimer", "show issu rollback-timer"},
        {"ShowRedundancyConfigSyncFailuresMcl", "show redundancy config-sync failures mcl"},
        {"ShowStackwiseLink", "show stackwise-virtual link"},
        {"ShowStackwiseVirtualDualActiveDetectionPagp", "show stackwise-virtual dual-active-detection pagp"},
        {"ShowStackwiseVirtualLink", "show stackwise-virtual link"},
        {"ShowStackwiseVirtualNeighbors", "show stackwise-virtual neighbors"},
        {"ShowSwitchStackPorts", "show switch stack-ports"},
        {"ShowSwitchStackPortsDetail", "show switch stack-ports detail"},
        {"ShowSwitchStackPortsSummary", "show switch stack-ports summary"},
        {"ShowSwitchStackRingSpeed", "show switch stack-ring speed"},
    };
    Path arguments = path;
    arguments.replace_extension(".arguments.json");
    const Json given =
        std::filesystem::exists(arguments) ? Json::parse(content_of(arguments)) : Json::object();
    if (folder == "ShowInstallState") return "show install " + text_of(given.at("state"));
    if (folder == "ShowVersionMode") return "show version " + text_of(given.at("mode"));
    if (folder == "ShowVersionRp")
        return fmt::format("show version rp {} {}", text_of(given.at("rp")), text_of(given.at("status")));
    if (irregular.contains(folder)) return irregular.at(folder);
    std::string command;
    for (const char c : folder) {
        if (c >= 'A' && c <= 'Z' && !command.empty()) command += ' ';
        command += static_cast<char>(tolower(c));
    }
    return command;
}

const printed::Kind& kind_of(const Path& path)
{
    const std::string name = "iosxe:" + command_of(path);
    CAPTURE(name);
    const printed::Kind* kind = kind_named(name);
    REQUIRE(kind != nullptr);
    return *kind;
}

bool is_empty_one(const Path& path)
{
    return path.filename().string().starts_with("EMPTY__");
}

TEST_CASE("captured: what devices printed says what another parser found in it, value by value")
{
    size_t files = 0, values = 0;
    for (const Path& path : texts()) {
        if (is_empty_one(path)) continue;
        CAPTURE(path.string());
        const auto ours = printed::parse_as(kind_of(path), content_of(path));
        INFO((ours ? "" : ours.error().what));
        CHECK(ours);
        if (!ours) continue;
        Path expected = path;
        expected.replace_extension(".expected.json");
        const Json theirs = Json::parse(content_of(expected));
        values += compare(theirs, in_their_form(path.parent_path().filename(), *ours, theirs, path));
        ++files;
    }
    MESSAGE(files << " texts, " << values << " values compared");
}

TEST_CASE("captured: where there is nothing to read, nothing comes out")
{
    for (const Path& path : texts()) {
        if (!is_empty_one(path)) continue;
        CAPTURE(path.string());
        CHECK_FALSE(printed::parse_as(kind_of(path), content_of(path)));
    }
}

TEST_CASE("captured: cut anywhere before its last line, a text says nothing or what is true")
{
    for (const Path& path : texts()) {
        if (is_empty_one(path)) continue;
        CAPTURE(path.string());
        const printed::Kind& kind = kind_of(path);
        const std::string text = content_of(path);
        const Json whole = must(printed::parse_as(kind, text));
        const size_t last_line = text.rfind('\n', text.find_last_not_of(" \n"));
        for (size_t size = 0; size < last_line; size += 3) {
            const std::string part = text.substr(0, size);
            const auto read = printed::parse_as(kind, part);
            const bool is_true = !read || testing::is_part_of(*read, whole);
            CHECK_MESSAGE(is_true, part << "\n" << read->dump(1));
        }
    }
}

TEST_CASE("captured: three bytes short, or what another command printed: nothing, or what is true")
{
    const std::vector<Path> all = texts();
    for (const Path& path : all) {
        if (is_empty_one(path)) continue;
        CAPTURE(path.string());
        const std::string text = content_of(path);
        const Json own = must(printed::parse_as(kind_of(path), text));
        const auto shorter =
            printed::parse_as(kind_of(path), std::string_view(text).substr(0, text.size() - 3));
        const bool is_true = !shorter || testing::is_part_of(*shorter, own);
        CHECK(is_true);
        for (const printed::Kind& other : kinds()) {
            const auto read = printed::parse_as(other, text);
            const bool is_same = !read || *read == own;
            CHECK_MESSAGE(is_same, other.name);
        }
    }
}

}  // namespace
}  // namespace belay::upgrade::iosxe::show::fixtures_test
