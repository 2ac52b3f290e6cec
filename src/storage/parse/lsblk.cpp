#include "storage/parse/lsblk.h"

#include "storage/parse/fields.h"
#include "storage/parse/lines.h"

#include <algorithm>
#include <array>

namespace belay::storage::parse {
namespace {

constexpr std::string_view lsblk_command = "lsblk --json";
constexpr size_t deepest_device = 16;
constexpr size_t most_devices = 65536;

template <size_t count>
bool is_one_of(const std::array<std::string_view, count>& names, std::string_view name)
{
    return std::ranges::find(names, name) != names.end();
}

bool is_flag(std::string_view column)
{
    static constexpr std::array<std::string_view, 7> names{"rm",   "ro",        "rota", "hotplug",
                                                           "rand", "disc_zero", "dax"};
    return is_one_of(names, column);
}

bool is_number(std::string_view column)
{
    static constexpr std::array<std::string_view, 26> names{
        "size",     "fssize",    "fsused",    "fsavail", "alignment",    "min_io",     "opt_io",
        "phy_sec",  "log_sec",   "rq_size",   "ra",      "wsame",        "start",      "partn",
        "disc_aln", "disc_gran", "disc_max",  "diskseq", "zone_sz",      "zone_wgran", "zone_app",
        "zone_nr",  "zone_omax", "zone_amax", "mq",      "fsroots_count"};
    return is_one_of(names, column);
}

/// A column's value as it means; null where there is none.
Json value_of_column(const std::string& column, const Json& row, const std::string& key)
{
    const Json& value = row[key];
    if (value.is_null() || (value.is_string() && value.get_ref<const std::string&>().empty())) return {};
    if (is_flag(column)) {
        const auto flag = flag_of(row, key.c_str());
        return flag ? Json(*flag) : Json();
    }
    if (is_number(column)) {
        if (const auto number = number_of(row, key.c_str())) return *number;
        // Without --bytes small sizes are whole: "512B".
        const std::string text = text_of(row, key.c_str());
        if (text.ends_with('B')) {
            if (const auto bytes = whole_number(std::string_view(text).substr(0, text.size() - 1)))
                return *bytes;
        }
    }
    if (value.is_array()) {
        Json list = Json::array();
        for (const Json& one : value) {
            if (!one.is_null()) list.push_back(one);
        }
        return list.empty() ? Json() : list;
    }
    return value.is_object() ? Json() : value;
}

/// A row as a device, without what stands around it.
Result<LsblkDevice> device_of(const Json& row)
{
    LsblkDevice device;
    for (const char* key : {"kname", "name", "path"}) {
        if (device.name.empty()) device.name = text_of(row, key);
    }
    if (device.name.empty())
        return foreign(lsblk_command, 0, "a device has neither \"name\" nor \"kname\" nor \"path\"");
    for (const auto& [key, unused] : row.items()) {
        const std::string column = field_name(key);
        if (column == "children" || column.empty()) continue;
        const Json value = value_of_column(column, row, key);
        if (value.is_null()) continue;
        if (column == "mountpoint" || column == "mountpoints") {
            for (const Json& point : value.is_array() ? value : Json::array({value})) {
                if (!point.is_string() || point.get_ref<const std::string&>().empty()) continue;
                auto& points = device.mountpoints;
                const std::string path = point.get<std::string>();
                if (std::ranges::find(points, path) == points.end()) points.push_back(path);
            }
        } else if (column == "size" && value.is_number_unsigned()) {
            device.size = value.get<uint64_t>();
        } else if (column == "pkname" && value.is_string()) {
            device.parents.push_back(value.get<std::string>());
        } else {
            device.columns.emplace(column, value);
        }
    }
    return device;
}

class Collector {
  public:
    Result<void> add(const Json& rows, const std::string& parent, size_t depth);
    Lsblk take() { return std::move(lsblk_); }

  private:
    Result<void> add_row(const Json& row, const std::string& parent, size_t depth);

    Lsblk lsblk_;
    std::map<std::string, size_t> at_;
};

Result<void> Collector::add_row(const Json& row, const std::string& parent, size_t depth)
{
    if (!row.is_object()) return foreign(lsblk_command, 0, "a device is no object");
    LsblkDevice device = TRY(device_of(row));
    if (!parent.empty()) device.parents.push_back(parent);
    const std::string name = device.name;
    const auto [found, is_new] = at_.emplace(name, lsblk_.devices.size());
    if (is_new) {
        if (lsblk_.devices.size() == most_devices)
            return foreign(lsblk_command, 0, fmt::format("there are more than {} devices", most_devices));
        lsblk_.devices.push_back({.name = name,
                                  .parents = {},
                                  .size = device.size,
                                  .mountpoints = std::move(device.mountpoints),
                                  .columns = std::move(device.columns)});
    }
    std::vector<std::string>& parents = lsblk_.devices[found->second].parents;
    for (std::string& one : device.parents) {
        if (std::ranges::find(parents, one) == parents.end()) parents.push_back(std::move(one));
    }
    const Json& children = value_of(row, "children");
    return children.is_null() ? Result<void>() : add(children, name, depth + 1);
}

Result<void> Collector::add(const Json& rows, const std::string& parent, size_t depth)
{
    if (!rows.is_array())
        return foreign(lsblk_command, 0, "it has no list \"blockdevices\", or no list of children");
    if (depth > deepest_device)
        return foreign(lsblk_command, 0, fmt::format("devices are nested more than {} deep", deepest_device));
    for (const Json& row : rows) TRY(add_row(row, parent, depth));
    return {};
}

}  // namespace

Result<Lsblk> parse_lsblk_tree(std::string_view text)
{
    const Json json = TRY(object_of(text, lsblk_command));
    Collector collector;
    TRY(collector.add(value_of(json, "blockdevices"), {}, 0));
    return collector.take();
}

void to_json(Json& json, const Lsblk& lsblk)
{
    json = {{"devices", Json::array()}};
    for (const LsblkDevice& device : lsblk.devices) {
        Json one = Json::object();
        for (const auto& [column, value] : device.columns)
            one[column == "size" ? "size_text" : column] = value;
        if (!one.contains("name")) one["name"] = device.name;
        put(one, "size", device.size);
        put(one, "parents", device.parents);
        put(one, "mountpoints", device.mountpoints);
        json["devices"].push_back(std::move(one));
    }
}

}  // namespace belay::storage::parse
