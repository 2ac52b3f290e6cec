#include "cli/storage_details.h"

#include "cli/fields.h"

#include <algorithm>
#include <cmath>

namespace belay::cli {
namespace {

using Texts = std::vector<std::string>;

/// From here on what fills up is shown as a warning.
constexpr double nearly_full = 80;

std::string size_text(const Json& node, std::string_view field = "size")
{
    const int64_t size = number_of(node, field);
    return size > 0 ? to_text(Bytes{static_cast<uint64_t>(size)}) : std::string();
}

/// "4 MiB free"; nothing where it is not known.
std::string amount(const Json& node, std::string_view field, std::string_view what)
{
    if (!has(node, field)) return {};
    const int64_t bytes = std::max<int64_t>(number_of(node, field), 0);
    return fmt::format("{} {}", to_text(Bytes{static_cast<uint64_t>(bytes)}), what);
}

double percent_of(const Json& node, const char* field)
{
    const auto found = node.find(field);
    return found != node.end() && found->is_number() ? found->get<double>() : 0;
}

std::string percent_text(const Json& node, const char* field, std::string_view format)
{
    if (!has(node, field)) return {};
    // What is nearly full must not look full.
    return fmt::format(fmt::runtime(format), std::floor(percent_of(node, field)));
}

/// The types that a person meets, by GUID or by the number of a DOS table. Source: the UEFI specification,
/// table 5-7; the Discoverable Partitions Specification; sfdisk -T; OpenZFS, lib/libefi (a whole disk gets a
/// partition 1 for its vdev and a partition 9 of 8 MiB that is kept free).
std::string type_name(const std::string& type)
{
    constexpr std::pair<std::string_view, std::string_view> names[] = {
        {"c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "EFI system"},
        {"0fc63daf-8483-4772-8e79-3d69d8477de4", "Linux filesystem"},
        {"a19d880f-05fc-4d3b-a006-743f0f84911e", "Linux RAID"},
        {"e6d6d379-f507-44c2-a23c-238f2a3df928", "Linux LVM"},
        {"0657fd6d-a4ab-43c4-84e5-0933c84b4f4f", "Linux swap"},
        {"21686148-6449-6e6f-744e-656564454649", "BIOS boot"},
        {"6a898cc3-1dd2-11b2-99a6-080020736631", "ZFS"},
        {"6a945a3b-1dd2-11b2-99a6-080020736631", "ZFS reserved"},
        {"ebd0a0a2-b9e5-4433-87c0-68b6b72699c7", "Microsoft basic data"},
        {"e3c9e316-0b5c-4db8-817d-f92df00215ae", "Microsoft reserved"},
        {"de94bba4-06d1-4d40-a16a-bfd50179d6ac", "Windows recovery"},
        {"0x83", "Linux filesystem"},
        {"0xfd", "Linux RAID"},
        {"0x82", "Linux swap"},
        {"0x8e", "Linux LVM"},
        {"0xef", "EFI system"},
        {"0x7", "NTFS or exFAT"}};
    std::string lower = type;
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    for (const auto& [known, name] : names) {
        if (known == lower) return std::string(name);
    }
    return type;
}

std::string labelled(std::string_view label, const std::string& value)
{
    return value.empty() ? std::string() : fmt::format("{} {}", label, value);
}

/// One line of what is known of an array's members and its resync.
std::vector<std::string> array_details(const Style& style, const Json& node)
{
    std::vector<std::string> details{text_of(style, node, "level")};
    const Json& counts = has(node, "wanted") ? node : object_of(node, "members");
    if (has(counts, "wanted"))
        details.push_back(
            fmt::format("{} of {} members", number_of(counts, "active"), number_of(counts, "wanted")));
    details.push_back(text_of(style, node, "state"));
    details.push_back(size_text(node));
    const Json& sync = object_of(node, "sync");
    const int64_t total = number_of(sync, "total");
    if (total <= 0) return details;
    const int64_t done = number_of(sync, "done"), speed = number_of(sync, "speed");
    std::string text = fmt::format("{} {} %", text_of(style, sync, "action"), 100 * done / total);
    if (speed > 0) text += fmt::format(" at {}/s", to_text(Bytes{static_cast<uint64_t>(speed)}));
    details.push_back(text);
    if (speed > 0 && total > done)
        details.push_back(to_text(Milliseconds{1000 * ((total - done) / speed)}) + " left");
    return details;
}

Texts disk_details(const Style& style, const Json& node)
{
    const int64_t logical = number_of(node, "logical_sector"), physical = number_of(node, "physical_sector");
    const std::string table = text_of(style, node, "table");
    const bool is_bare = has(node, "table") && table.empty() && list_of(node, "children").empty();
    return {size_text(node),
            text_of(style, node, "model"),
            labelled("serial", text_of(style, node, "serial")),
            is_bare ? "no table" : table,
            has(node, "rotational") ? (flag_of(node, "rotational") ? "rotating" : "solid state") : "",
            logical > 512 || physical > 512 ? fmt::format("sectors {}/{}", logical, physical) : "",
            flag_of(node, "read_only") ? "read-only" : "",
            labelled("at", text_of(style, node, "bus_path"))};
}

Texts group_details(const Style& style, const Json& node)
{
    const int64_t pvs = number_of(node, "pvs"), missing = number_of(node, "missing_pvs");
    return {"volume group",
            size_text(node),
            amount(node, "free", "free"),
            pvs > 1 ? fmt::format("{} PVs", pvs) : "",
            missing > 0 ? fmt::format("{} missing", missing) : "",
            labelled("of the system", text_of(style, node, "system_id"))};
}

Texts volume_details(const Style& style, const Json& node, const std::string& kind)
{
    const std::string layout = text_of(style, node, "layout"), origin = text_of(style, node, "origin");
    Texts details;
    if (kind == "thin_pool") details = {"thin pool", size_text(node)};
    if (kind == "thin_lv")
        details = {origin.empty() ? "thin volume" : "thin snapshot of " + origin, size_text(node)};
    if (kind == "snapshot") details = {"snapshot of " + origin, size_text(node)};
    if (kind == "lv") details = {"logical volume", size_text(node), layout == "linear" ? "" : layout};
    details.push_back(percent_text(node, "data_percent", kind == "thin_pool" ? "data {} %" : "{} % used"));
    if (kind == "thin_pool") details.push_back(percent_text(node, "metadata_percent", "metadata {} %"));
    if (layout.starts_with("raid")) details.push_back(percent_text(node, "sync_percent", "{} % in sync"));
    if (has(node, "active") && !flag_of(node, "active")) details.emplace_back("not active");
    details.push_back(text_of(style, node, "health"));
    return details;
}

/// "without /dev/disk/by-id/ata-X-part1 (REMOVED)" of each vdev that no device of this machine leads to.
void add_missing(const Style& style, const Json& node, Texts& details)
{
    for (const Json& vdev : list_of(node, "missing"))
        details.push_back(
            fmt::format("without {} ({})", text_of(style, vdev, "name"), text_of(style, vdev, "state")));
}

Texts vdev_details(const Style& style, const Json& node)
{
    const std::string read = text_of(style, node, "read_errors"),
                      write = text_of(style, node, "write_errors"),
                      checksum = text_of(style, node, "checksum_errors");
    const bool is_sound =
        std::ranges::all_of(std::array{&read, &write, &checksum},
                            [](const std::string* count) { return count->empty() || *count == "0"; });
    Texts details{
        has(node, "wanted") ? "vdev" : "",
        text_of(style, node, "group"),
        text_of(style, node, "state"),
        has(node, "wanted")
            ? fmt::format("{} of {} online", number_of(node, "active"), number_of(node, "wanted"))
            : "",
        is_sound ? "" : fmt::format("errors: {} read, {} write, {} checksum", read, write, checksum),
        text_of(style, node, "note")};
    add_missing(style, node, details);
    return details;
}

Texts swap_details(const Style& style, const Json& node)
{
    const bool is_used = flag_of(node, "in_use");
    return {size_text(node),
            has(node, "in_use") ? (is_used ? "in use" : "not in use") : "",
            has(node, "priority") ? fmt::format("priority {}", number_of(node, "priority")) : "",
            amount(node, "used", "used"),
            labelled("file", text_of(style, node, "path")),
            labelled("uuid", text_of(style, node, "uuid"))};
}

Texts pool_details(const Style& style, const Json& node)
{
    const int64_t damaged = number_of(node, "data_errors");
    const Json& scan = object_of(node, "scan");
    const std::string function = text_of(style, scan, "function"), left = text_of(style, scan, "left");
    Texts details{"pool", text_of(style, node, "state"), size_text(node), amount(node, "free", "free"),
                  // Without what goes to parity and to copies, which is in the other two.
                  amount(node, "available", "available"),
                  damaged > 0 ? fmt::format("{} data error{}", damaged, damaged == 1 ? "" : "s") : "",
                  function.empty() ? "" : function + percent_text(scan, "percent", " {} %"),
                  left.empty() ? "" : left + " left"};
    add_missing(style, node, details);
    return details;
}

/// How a person calls the kind of what is no disk, partition, array or part of LVM or ZFS.
std::string other_kind(const Style& style, const Json& node, const std::string& kind)
{
    if (kind == "crypt") return "opened with a key";
    return kind == "other" ? text_of(style, node, "type") : kind;
}

}  // namespace

Texts node_details(const Style& style, const Json& node)
{
    const std::string kind = raw_text(node, "kind");
    if (kind == "disk") return disk_details(style, node);
    if (kind == "partition") return {size_text(node), type_name(text_of(style, node, "type"))};
    if (kind == "array") return array_details(style, node);
    if (kind == "pv")
        return {size_text(node), amount(node, "free", "free"),
                has(node, "vg") && raw_text(node, "vg").empty() ? "in no volume group" : ""};
    if (kind == "vg") return group_details(style, node);
    if (kind == "lv" || kind == "thin_pool" || kind == "thin_lv" || kind == "snapshot")
        return volume_details(style, node, kind);
    if (kind == "vdev") return vdev_details(style, node);
    if (kind == "pool") return pool_details(style, node);
    if (kind == "dataset") return {"dataset", amount(node, "used", "used")};
    if (kind == "zvol")
        return {has(node, "device") ? "zvol " + text_of(style, node, "device") : "zvol", size_text(node),
                amount(node, "used", "used")};
    if (kind == "swap") return swap_details(style, node);
    if (kind == "filesystem")
        return {raw_text(node, "type") == "crypto_LUKS" ? "locked" : "",
                labelled("label", text_of(style, node, "label")),
                labelled("uuid", text_of(style, node, "uuid"))};
    if (kind == "mount") return {};
    return {other_kind(style, node, kind), size_text(node), labelled("file", text_of(style, node, "file"))};
}

std::string node_heading(const Style& style, const Json& node)
{
    const std::string kind = raw_text(node, "kind");
    if (kind == "pv") return "PV";
    if (kind == "swap") return "swap";
    if (kind == "vdev" && raw_text(node, "type") == "leaf") return "ZFS";
    if (kind == "filesystem" && has(node, "type")) return text_of(style, node, "type");
    std::string name = text_of(style, node, has(node, "mapped") ? "mapped" : "name");
    if (name.empty()) name = text_of(style, node, kind == "mount" ? "path" : "id");
    return (kind == "mount" ? "on " : "") + paint(style, Tone::bold, name);
}

Tone node_tone(const Json& node)
{
    const std::string kind = raw_text(node, "kind"), state = raw_text(node, "state");
    if (kind == "array") {
        if (state == "inactive" || state == "does not run") return Tone::bad;
        const Json& counts = has(node, "wanted") ? node : object_of(node, "members");
        return number_of(counts, "active") < number_of(counts, "wanted") ? Tone::warn : Tone::plain;
    }
    if (kind == "vg") return number_of(node, "missing_pvs") > 0 ? Tone::bad : Tone::plain;
    if (number_of(node, "data_errors") > 0) return Tone::bad;
    if (kind == "pool" || kind == "vdev")
        return state == "ONLINE" || state == "AVAIL" || state == "INUSE" ? Tone::plain : Tone::bad;
    if (!raw_text(node, "health").empty()) return Tone::bad;
    const bool is_filling = kind == "thin_pool" || kind == "snapshot";
    const double fullest = std::max(percent_of(node, "data_percent"), percent_of(node, "metadata_percent"));
    return is_filling && fullest >= nearly_full ? Tone::warn : Tone::plain;
}

std::string not_looked_text(const Style& style, const Json& view)
{
    std::string text;
    for (const Json& part : list_of(view, "not_looked")) {
        text += wrap(style,
                     fmt::format("not looked at: {} ({})", text_of(style, part, "what"),
                                 text_of(style, part, "why")),
                     0, 2) +
                '\n';
        const std::string next = text_of(style, part, "next");
        if (!next.empty()) text += "  next: " + wrap(style, next, 8, 8) + '\n';
    }
    return text;
}

}  // namespace belay::cli
