#include "backup/block/lvm_volume.h"

#include "base/json.h"

#include <cerrno>
#include <charconv>
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace belay::backup {
namespace {

constexpr std::string_view columns =
    "vg_name,lv_name,lv_uuid,lv_path,lv_size,pool_lv,origin,lv_attr,lv_health_status,data_percent,"
    "metadata_percent,lv_tags,vg_free,vg_extent_size";

std::string column_text(const Json& row, const char* column)
{
    const auto found = row.find(column);
    return found != row.end() && found->is_string() ? found->get<std::string>() : "";
}

Result<Bytes> column_bytes(const Json& row, const char* column)
{
    const std::string text = column_text(row, column);
    uint64_t value = 0;
    const char* begin = text.data();
    const auto [end, wrong] = std::from_chars(begin, begin + text.size(), value);
    if (wrong != std::errc() || end != begin + text.size() || text.empty())
        return fail(ErrorKind::corrupt, fmt::format("LVM says \"{}\" for {}", text, column));
    return Bytes{value};
}

std::vector<std::string> tags_in(const std::string& text)
{
    std::vector<std::string> tags;
    for (size_t begin = 0; begin < text.size();) {
        const size_t end = std::min(text.find(',', begin), text.size());
        tags.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return tags;
}

Result<LogicalVolume> volume_in(const Json& row)
{
    LogicalVolume volume;
    volume.group = column_text(row, "vg_name");
    volume.name = column_text(row, "lv_name");
    volume.uuid = column_text(row, "lv_uuid");
    volume.path = column_text(row, "lv_path");
    volume.size = TRY(column_bytes(row, "lv_size"));
    volume.pool = column_text(row, "pool_lv");
    volume.origin = column_text(row, "origin");
    volume.attributes = column_text(row, "lv_attr");
    volume.health = column_text(row, "lv_health_status");
    volume.percent_used = column_text(row, "data_percent");
    volume.percent_metadata = column_text(row, "metadata_percent");
    volume.tags = tags_in(column_text(row, "lv_tags"));
    volume.group_free = TRY(column_bytes(row, "vg_free"));
    volume.group_extent = TRY(column_bytes(row, "vg_extent_size"));
    if (volume.group.empty() || volume.name.empty() || volume.uuid.empty())
        return fail(ErrorKind::corrupt, "LVM reports a volume without a name");
    return volume;
}

/// {"report": [{"lv": [{"lv_name": ...}, ...]}]}
Result<std::vector<LogicalVolume>> volumes(host::Host& host, const std::vector<std::string>& which)
{
    host::Command command{.argv = {"lvm", "lvs", "--reportformat", "json", "--units", "b", "--nosuffix",
                                   "--options", std::string(columns)}};
    command.argv.insert(command.argv.end(), which.begin(), which.end());
    const host::Outcome outcome = TRY(host::run_checked(host, command));
    const Json report = TRY(parse_json(outcome.out));
    const auto place = "/report/0/lv"_json_pointer;
    const Json rows = report.contains(place) ? report.at(place) : Json();
    if (!rows.is_array()) return fail(ErrorKind::corrupt, "the report of lvm lvs has no list of volumes");
    std::vector<LogicalVolume> all;
    for (const Json& row : rows) all.push_back(TRY(volume_in(row)));
    return all;
}

}  // namespace

bool LogicalVolume::is_overflowed() const
{
    // The fifth letter is the state: I, an invalid snapshot, S, an invalid one that is suspended.
    return attributes.size() > 4 && (attributes[4] == 'I' || attributes[4] == 'S');
}

Result<std::optional<LogicalVolume>> logical_volume_of(host::Host& host, const std::string& device)
{
    struct stat status = {};
    if (::stat(device.c_str(), &status) != 0)
        return std::unexpected(system_error(fmt::format("look at {}", device), errno));
    if (!S_ISBLK(status.st_mode)) return std::optional<LogicalVolume>();
    // By the kernel's word: the tools would not tell a device that is none from one that they cannot find.
    const std::string place =
        fmt::format("/sys/dev/block/{}:{}/dm/", major(status.st_rdev), minor(status.st_rdev));
    const Result<std::string> uuid = host.read(place + "uuid");
    if (!uuid && uuid.error().kind == ErrorKind::not_found) return std::optional<LogicalVolume>();
    if (!uuid) return std::unexpected(uuid.error());
    if (!uuid->starts_with("LVM-")) return std::optional<LogicalVolume>();
    std::string name = TRY(host.read(place + "name"));
    while (name.ends_with('\n')) name.pop_back();
    return TRY(logical_volume(host, "/dev/mapper/" + name));
}

Result<LogicalVolume> logical_volume(host::Host& host, const std::string& full_name)
{
    const std::vector<LogicalVolume> found = TRY(volumes(host, {full_name}));
    if (found.size() != 1)
        return fail(ErrorKind::not_found, fmt::format("there is no logical volume {}", full_name), "lvs");
    return found.front();
}

Result<std::vector<LogicalVolume>> volumes_with_tag(host::Host& host, const std::string& tag)
{
    return volumes(host, {"--select", "lv_tags=" + tag});
}

}  // namespace belay::backup
