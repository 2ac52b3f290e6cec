#include "storage/survey.h"

#include "storage/probe.h"
#include "storage/survey_parts.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace belay::storage {
namespace {

constexpr std::string_view by_path_folder = "/dev/disk/by-path";

/// A line of sysfs or procfs; empty where there is none.
std::string line_at(host::Host& host, const std::string& path)
{
    const Result<std::string> text = host.read(path);
    return text ? text->substr(0, text->find('\n')) : std::string();
}

std::string device_behind(host::Host& host, const std::string& path)
{
    const auto device = device_if_there(host, path);
    return device ? device->value_or("") : std::string();
}

void look_at_others(host::Host& host, Survey& survey)
{
    for (const Other& other : survey.inventory.others) {
        const std::string block = "/sys/block/" + other.name;
        if (other.name.starts_with("dm-"))
            survey.mapped[other.name] = {line_at(host, block + "/dm/name"),
                                         line_at(host, block + "/dm/uuid")};
        if (other.name.starts_with("loop")) {
            const std::string file = line_at(host, block + "/loop/backing_file");
            if (!file.empty()) survey.loop_files[other.name] = file;
        }
    }
}

/// Where a disk is plugged in, by udev's name for it.
void look_at_bus_paths(host::Host& host, Survey& survey)
{
    const Result<std::vector<std::string>> names = host.list(by_path_folder);
    if (!names) return;
    for (const std::string& name : *names) {
        if (name.find("-part") != std::string::npos) continue;
        const std::string device = device_behind(host, fmt::format("{}/{}", by_path_folder, name));
        // A disk of libata has two names, "ata-1" and "ata-1.0": the shorter one is enough.
        std::string& known = survey.bus_paths[device];
        if (known.empty() || name.size() < known.size()) known = name;
    }
    survey.bus_paths.erase("");
}

void look_at_swaps(host::Host& host, Survey& survey)
{
    const Result<std::string> text = host.read("/proc/swaps");
    if (!text) return;
    survey.swaps = parse_swaps(*text);
    for (const SwapArea& area : survey.swaps) {
        if (!area.is_file) survey.swap_devices[area.path] = device_behind(host, area.path);
    }
}

}  // namespace

std::optional<host::Outcome> ask_tool(host::Host& host, Survey& survey, const std::string& what,
                                      const host::Command& command, std::string_view package)
{
    Result<host::Outcome> outcome = host.run(command);
    if (outcome) return *std::move(outcome);
    note_missing(survey, what, outcome.error(), package);
    return std::nullopt;
}

void note_missing(Survey& survey, std::string what, const Error& error, std::string_view package)
{
    const bool is_missing = error.kind == ErrorKind::not_found && error.what.starts_with("no program ");
    note_not_looked(survey, std::move(what), error.what,
                    is_missing ? fmt::format("apt install {}", package) : std::string());
}

void note_not_looked(Survey& survey, std::string what, std::string why, std::string next)
{
    survey.not_looked.push_back({std::move(what), std::move(why), std::move(next)});
}

std::string last_line(std::string_view text)
{
    while (text.ends_with('\n') || text.ends_with(' ')) text.remove_suffix(1);
    text.remove_prefix(text.rfind('\n') + 1);
    while (text.starts_with(' ')) text.remove_prefix(1);
    return std::string(text);
}

void for_each_content(const Inventory& inventory,
                      const std::function<void(const std::string& device, const Content& content)>& call)
{
    for (const Disk& disk : inventory.disks) {
        call(disk.name, disk.content);
        for (const Partition& partition : disk.partitions) call(partition.name, partition.content);
    }
    for (const Array& array : inventory.arrays) call(array.name, array.content);
    for (const Other& other : inventory.others) call(other.name, other.content);
}

Result<Survey> read_survey(host::Host& host, Depth depth)
{
    Survey survey{.inventory = TRY(read_inventory(host))};
    look_at_others(host, survey);
    look_at_bus_paths(host, survey);
    look_at_swaps(host, survey);
    look_at_waiting_arrays(host, survey);
    look_at_lvm(host, survey);
    look_at_zfs(host, survey);
    if (depth == Depth::tree) return survey;
    look_at_smart(host, survey);
    look_at_ata_capacities(host, survey);
    look_at_esps(host, survey);
    look_at_boot_code(host, survey);
    return survey;
}

bool is_esp(const Partition& partition)
{
    constexpr std::string_view guid = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";
    return partition.type == "0xef" ||
           std::ranges::equal(partition.type, guid, {}, [](unsigned char c) { return std::tolower(c); });
}

std::vector<PoolAway> pools_away(const Survey& survey)
{
    std::vector<PoolAway> away;
    if (!survey.pools_known) return away;
    for_each_content(survey.inventory, [&](const std::string& device, const Content& content) {
        if (content.type != "zfs_member" || content.uuid.empty()) return;
        const bool is_imported = std::ranges::any_of(
            survey.pools, [&](const Pool& pool) { return pool.row.guid == content.uuid; });
        if (is_imported) return;
        auto known = std::ranges::find(away, content.uuid, &PoolAway::guid);
        if (known == away.end()) known = away.insert(known, {content.label, content.uuid, {}});
        known->devices.push_back(device);
    });
    return away;
}

std::set<std::string> zvols_of(const Survey& survey)
{
    std::set<std::string> zvols;
    for (const Pool& pool : survey.pools) {
        for (const auto& [volume, device] : pool.volumes) zvols.insert(device);
    }
    return zvols;
}

void to_json(nlohmann::json& json, const NotLooked& part)
{
    json = {{"what", part.what}, {"why", part.why}, {"next", part.next}};
}

}  // namespace belay::storage
