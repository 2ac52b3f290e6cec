// ZFS: the pools that are imported, what they stand on, and what is in them.

#include "storage/probe.h"
#include "storage/survey_parts.h"

#include <algorithm>

namespace belay::storage {
namespace {

/// A pool whose disks have gone may keep zpool waiting for ever.
constexpr Milliseconds longest_zfs = std::chrono::seconds(20);

bool has_zfs(host::Host& host, const Survey& survey)
{
    bool found = false;
    for_each_content(survey.inventory, [&](const std::string&, const Content& content) {
        found = found || content.type == "zfs_member";
    });
    return found || host.list("/sys/module/zfs").has_value();
}

/// What a tool of ZFS printed; nothing where it failed.
std::optional<std::string> ask_zfs(host::Host& host, Survey& survey, const std::string& what,
                                   std::vector<std::string> argv)
{
    const std::string tool = argv.front();
    const auto outcome =
        ask_tool(host, survey, what, {.argv = std::move(argv), .limit = longest_zfs}, "zfsutils-linux");
    if (!outcome) return std::nullopt;
    if (outcome->exit_code == 0) return outcome->out;
    note_not_looked(survey, what,
                    fmt::format("{} ended with {}: {}", tool, outcome->exit_code, last_line(outcome->err)));
    return std::nullopt;
}

/// Leaves are paths with -P, and links under /dev/disk/by-id mostly.
void find_leaves(host::Host& host, Pool& pool, const parse::ZpoolVdev& vdev)
{
    for (const parse::ZpoolVdev& child : vdev.children) find_leaves(host, pool, child);
    if (vdev.type != "leaf" || !vdev.name.starts_with("/dev/")) return;
    const auto device = device_if_there(host, vdev.name);
    if (device && device->has_value()) pool.devices[vdev.name] = **device;
}

void add_pools(host::Host& host, Survey& survey, parse::ZpoolStatus status)
{
    for (parse::ZpoolPool& described : status.pools) {
        Pool pool;
        pool.status = std::move(described);
        pool.row.name = pool.status.name;
        if (pool.status.config) find_leaves(host, pool, *pool.status.config);
        for (const auto& [group, vdevs] : pool.status.groups) {
            for (const parse::ZpoolVdev& vdev : vdevs) find_leaves(host, pool, vdev);
        }
        survey.pools.push_back(std::move(pool));
    }
}

void add_rows(host::Host& host, Survey& survey)
{
    const std::string what = "the size of the ZFS pools";
    const auto text = ask_zfs(host, survey, what, {"zpool", "list", "-H", "-p", "-o", zpool_columns});
    if (!text) return;
    const auto rows = parse_zpool_list(*text);
    if (!rows) return note_not_looked(survey, what, rows.error().what);
    for (const PoolRow& row : *rows) {
        for (Pool& pool : survey.pools) {
            if (pool.row.name == row.name) pool.row = row;
        }
    }
    survey.pools_known =
        std::ranges::none_of(survey.pools, [](const Pool& pool) { return pool.row.guid.empty(); });
}

void add_datasets(host::Host& host, Survey& survey)
{
    const std::string what = "the datasets of ZFS";
    const auto text = ask_zfs(host, survey, what,
                              {"zfs", "list", "-H", "-p", "-t", "filesystem,volume", "-o", zfs_columns});
    if (!text) return;
    const auto rows = parse_zfs_list(*text);
    if (!rows) return note_not_looked(survey, what, rows.error().what);
    for (const DatasetRow& row : *rows) {
        const std::string name = row.name.substr(0, row.name.find('/'));
        for (Pool& pool : survey.pools) {
            if (pool.row.name != name) continue;
            pool.datasets.push_back(row);
            if (row.type != "volume") continue;
            const auto device = device_if_there(host, "/dev/zvol/" + row.name);
            if (device && device->has_value()) pool.volumes[row.name] = **device;
        }
    }
}

}  // namespace

void look_at_zfs(host::Host& host, Survey& survey)
{
    if (!has_zfs(host, survey)) return;
    const auto text = ask_zfs(host, survey, "ZFS", {"zpool", "status", "-P"});
    if (!text) return;
    auto status = parse::parse_zpool_status(*text);
    if (!status) return note_not_looked(survey, "ZFS", status.error().what, "zpool status -P");
    add_pools(host, survey, *std::move(status));
    survey.pools_known = survey.pools.empty();
    if (survey.pools.empty()) return;
    add_rows(host, survey);
    add_datasets(host, survey);
}

}  // namespace belay::storage
