#include "storage/health.h"

#include "storage/health_parts.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace belay::storage {
namespace {

using Json = nlohmann::json;

constexpr double nearly_full = 80, almost_full = 95;

size_t count_disks(const Survey& survey)
{
    const std::set<std::string> zvols = zvols_of(survey);
    return static_cast<size_t>(std::ranges::count_if(
        survey.inventory.disks, [&](const Disk& disk) { return !zvols.contains(disk.name); }));
}

}  // namespace

std::string_view name_of(Severity severity)
{
    constexpr std::string_view names[] = {"note", "warning", "critical"};
    return names[static_cast<size_t>(severity)];
}

void to_json(Json& json, const HealthFinding& finding)
{
    json = {{"code", finding.code},     {"severity", name_of(finding.severity)},
            {"object", finding.object}, {"shown", finding.shown},
            {"found", finding.found},   {"wanted", finding.wanted},
            {"mend", finding.mend}};
}

HealthFinding finding_on(const Disk& disk, std::string code, Severity severity, std::string found,
                         std::string wanted, std::string mend)
{
    return {std::move(code), severity,         disk.by_id.empty() ? "/dev/" + disk.name : disk.by_id,
            shown(disk),     std::move(found), std::move(wanted),
            std::move(mend)};
}

HealthFinding finding_on(const Array& array, std::string code, Severity severity, std::string found,
                         std::string wanted, std::string mend)
{
    const std::string device = "/dev/" + array.name;
    return {std::move(code), severity,         array.path.empty() ? device : array.path,
            device,          std::move(found), std::move(wanted),
            std::move(mend)};
}

const Disk* disk_of(const Inventory& host, std::string_view device)
{
    for (const Disk& disk : host.disks) {
        if (disk.name == device ||
            std::ranges::find(disk.partitions, device, &Partition::name) != disk.partitions.end())
            return &disk;
    }
    return nullptr;
}

std::string replace(const Disk& disk)
{
    return fmt::format("belay plan disk.replace --leaving {} --joining NEW",
                       disk.serial.empty() ? disk.name : disk.serial);
}

std::optional<Fullness> fullness(double percent)
{
    if (percent < nearly_full) return std::nullopt;
    return Fullness{percent < almost_full ? Severity::warning : Severity::critical,
                    fmt::format("{} %", static_cast<uint64_t>(percent))};
}

std::vector<HealthFinding> health_of(const Survey& survey)
{
    Findings findings;
    find_in_arrays(survey, findings);
    find_in_disks(survey, findings);
    find_in_smart(survey, findings);
    find_in_lvm(survey, findings);
    find_in_pools(survey, findings);
    find_in_esps(survey, findings);
    find_in_boot_code(survey, findings);
    std::ranges::stable_sort(findings, std::greater{}, &HealthFinding::severity);
    return findings;
}

Json health_report(const Survey& survey)
{
    const std::vector<HealthFinding> findings = health_of(survey);
    Json worst;
    if (!findings.empty()) worst = name_of(findings.front().severity);
    return {{"findings", findings},
            {"worst", worst},
            {"looked_at",
             {{"disks", count_disks(survey)},
              {"arrays", survey.inventory.arrays.size()},
              {"groups", survey.lvm ? survey.lvm->groups.size() : 0},
              {"pools", survey.pools.size()}}},
            {"not_looked", survey.not_looked}};
}

}  // namespace belay::storage
