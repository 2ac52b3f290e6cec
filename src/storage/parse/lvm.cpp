#include "storage/parse/lvm.h"

#include "storage/parse/fields.h"
#include "storage/parse/lines.h"

#include <algorithm>
#include <array>

namespace belay::storage::parse {
namespace {

constexpr std::string_view lvm_command = "lvm fullreport --reportformat json";
constexpr size_t most_lvm_rows = 65536;

bool is_size(std::string_view column)
{
    static constexpr std::array<std::string_view, 8> ends{"_size",  "_free",      "_used",     "pe_start",
                                                          "_start", "read_ahead", "_ba_start", "recordsize"};
    // Segments of a PV are counted in extents.
    if (column.starts_with("pvseg_")) return false;
    return std::ranges::any_of(ends, [column](std::string_view end) { return column.ends_with(end); });
}

bool is_counted(std::string_view column)
{
    static constexpr std::array<std::string_view, 15> ends{
        "_count", "_major", "_minor", "_seqno", "_pe",     "_vsn",    "stripes",     "max_lv",
        "max_pv", "_num",   "_code",  "_errno", "_blocks", "_copies", "lv_device_id"};
    return column.starts_with("pvseg_") ||
           std::ranges::any_of(ends, [column](std::string_view end) { return column.ends_with(end); });
}

Json value_of_column(const std::string& column, const Json& value)
{
    if (!value.is_string()) return value;
    const std::string& text = value.get_ref<const std::string&>();
    if (text.empty()) return {};
    const auto number = is_size(column)      ? lvm_bytes(text)
                        : is_counted(column) ? whole_number(text)
                                             : std::nullopt;
    if (number) return *number;
    const auto percent = column.ends_with("_percent") ? decimal(text) : std::nullopt;
    return percent ? Json(*percent) : value;
}

LvmFields fields_of(const Json& row)
{
    LvmFields fields;
    for (const auto& [column, value] : row.items()) {
        Json meant = value_of_column(column, value);
        const bool empty = meant.is_null() || (meant.is_array() && meant.empty());
        if (!empty) fields.emplace(column, std::move(meant));
    }
    return fields;
}

std::optional<uint64_t> number_in(const LvmFields& fields, const char* column)
{
    const auto found = fields.find(column);
    if (found == fields.end() || !found->second.is_number_unsigned()) return std::nullopt;
    return found->second.get<uint64_t>();
}

std::optional<double> percent_in(const LvmFields& fields, const char* column)
{
    const auto found = fields.find(column);
    if (found == fields.end() || !found->second.is_number()) return std::nullopt;
    const auto percent = found->second.get<double>();
    return percent >= 0 && percent <= 100 ? std::optional(percent) : std::nullopt;
}

/// "a,b" or ["a", "b"].
std::vector<std::string> list_of(const Json& row, const char* column)
{
    std::vector<std::string> list;
    const Json& value = value_of(row, column);
    if (value.is_array()) {
        for (const Json& one : value) {
            if (one.is_string()) list.push_back(one.get<std::string>());
        }
        return list;
    }
    const std::string text = text_of(row, column);
    for (std::string_view rest = text; !rest.empty();) {
        const size_t comma = std::min(rest.find(','), rest.size());
        if (comma > 0) list.emplace_back(trimmed(rest.substr(0, comma)));
        rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    return list;
}

/// Names in brackets are of volumes that LVM made for itself.
std::string without_brackets(const std::string& name, bool* hidden = nullptr)
{
    const bool bracketed = name.size() > 2 && name.starts_with('[') && name.ends_with(']');
    if (hidden != nullptr) *hidden = bracketed;
    return bracketed ? name.substr(1, name.size() - 2) : name;
}

LvmGroup group_of(const Json& row)
{
    LvmGroup group;
    group.name = text_of(row, "vg_name");
    group.uuid = text_of(row, "vg_uuid");
    group.attr = text_of(row, "vg_attr");
    group.tags = list_of(row, "vg_tags");
    group.fields = fields_of(row);
    group.size = number_in(group.fields, "vg_size");
    group.free = number_in(group.fields, "vg_free");
    group.extent_size = number_in(group.fields, "vg_extent_size");
    group.extents = number_in(group.fields, "vg_extent_count");
    group.free_extents = number_in(group.fields, "vg_free_count");
    return group;
}

LvmPhysical physical_of(const Json& row, const std::string& group)
{
    LvmPhysical pv;
    pv.name = text_of(row, "pv_name");
    pv.uuid = text_of(row, "pv_uuid");
    pv.attr = text_of(row, "pv_attr");
    pv.group = row.contains("vg_name") ? text_of(row, "vg_name") : group;
    pv.tags = list_of(row, "pv_tags");
    pv.fields = fields_of(row);
    pv.size = number_in(pv.fields, "pv_size");
    pv.free = number_in(pv.fields, "pv_free");
    pv.used = number_in(pv.fields, "pv_used");
    pv.device_size = number_in(pv.fields, "dev_size");
    return pv;
}

LvmLogical logical_of(const Json& row, const std::string& group)
{
    LvmLogical lv;
    lv.name = without_brackets(text_of(row, "lv_name"), &lv.hidden);
    lv.uuid = text_of(row, "lv_uuid");
    lv.attr = text_of(row, "lv_attr");
    lv.group = row.contains("vg_name") ? text_of(row, "vg_name") : group;
    lv.tags = list_of(row, "lv_tags");
    lv.origin = without_brackets(text_of(row, row.contains("origin") ? "origin" : "lv_origin"));
    lv.pool = without_brackets(text_of(row, "pool_lv"));
    lv.data_lv = without_brackets(text_of(row, "data_lv"));
    lv.metadata_lv = without_brackets(text_of(row, "metadata_lv"));
    lv.devices = list_of(row, "devices");
    lv.fields = fields_of(row);
    lv.size = number_in(lv.fields, "lv_size");
    lv.data_percent = percent_in(lv.fields, "data_percent");
    lv.metadata_percent = percent_in(lv.fields, "metadata_percent");
    lv.sync_percent = percent_in(lv.fields, "sync_percent");
    if (!lv.sync_percent) lv.sync_percent = percent_in(lv.fields, "copy_percent");
    return lv;
}

LvmSegment segment_of(const Json& row)
{
    return {.lv_uuid = text_of(row, "lv_uuid"),
            .pv_uuid = text_of(row, "pv_uuid"),
            .type = text_of(row, "segtype"),
            .fields = fields_of(row)};
}

/// Whether the same thing came before: with columns of segments it has a row for each.
template <typename Thing>
Thing* known(std::vector<Thing>& things, const Thing& thing)
{
    const auto same = [&thing](const Thing& other) {
        if (!thing.uuid.empty() && !other.uuid.empty()) return thing.uuid == other.uuid;
        if constexpr (requires { thing.group; })
            if (thing.group != other.group) return false;
        return !thing.name.empty() && thing.name == other.name;
    };
    // Rows of one thing stand one behind the other.
    return !things.empty() && same(things.back()) ? &things.back() : nullptr;
}

/// The rows of a list in a part of the report. Errors: corrupt.
Result<Json> rows_of(const Json& part, const char* key)
{
    const Json& rows = value_of(part, key);
    if (rows.is_null()) return Json::array();
    if (!rows.is_array()) return foreign(lvm_command, 0, fmt::format("\"{}\" is no list", key));
    if (rows.size() > most_lvm_rows)
        return foreign(lvm_command, 0, fmt::format("\"{}\" has more than {} rows", key, most_lvm_rows));
    for (const Json& row : rows) {
        if (!row.is_object())
            return foreign(lvm_command, 0, fmt::format("a row of \"{}\" is no object", key));
    }
    return rows;
}

/// A part of the report: a group with all that is in it, or the one list of `vgs`, `pvs` or `lvs`.
Result<void> read_part(Lvm& lvm, const Json& part)
{
    static constexpr std::array<const char*, 5> lists{"vg", "pv", "lv", "seg", "pvseg"};
    if (std::ranges::none_of(lists, [&part](const char* list) { return value_of(part, list).is_array(); }))
        return foreign(lvm_command, 0, "a part of the report is neither of vg nor pv nor lv");
    const Json groups = TRY(rows_of(part, "vg"));
    for (const Json& row : groups) {
        LvmGroup group = group_of(row);
        if (!group.name.empty() || !group.uuid.empty()) {
            if (known(lvm.groups, group) == nullptr) lvm.groups.push_back(std::move(group));
        }
    }
    const std::string group = groups.size() == 1 ? text_of(groups.front(), "vg_name") : std::string();
    for (const Json& row : TRY(rows_of(part, "pv"))) {
        LvmPhysical pv = physical_of(row, group);
        if (known(lvm.physical, pv) == nullptr) lvm.physical.push_back(std::move(pv));
    }
    for (const Json& row : TRY(rows_of(part, "lv"))) {
        LvmLogical lv = logical_of(row, group);
        if (LvmLogical* before = known(lvm.logical, lv))
            before->devices.insert(before->devices.end(), lv.devices.begin(), lv.devices.end());
        else
            lvm.logical.push_back(std::move(lv));
    }
    for (const Json& row : TRY(rows_of(part, "seg"))) lvm.segments.push_back(segment_of(row));
    for (const Json& row : TRY(rows_of(part, "pvseg"))) lvm.physical_segments.push_back(segment_of(row));
    return {};
}

}  // namespace

std::optional<uint64_t> lvm_bytes(std::string_view text)
{
    if (text.ends_with('B') || text.ends_with('b')) return whole_number(text.substr(0, text.size() - 1));
    if (text.ends_with('S') || text.ends_with('s'))
        return times(whole_number(text.substr(0, text.size() - 1)), 512);
    return whole_number(text);
}

Result<Lvm> parse_lvm(std::string_view text)
{
    const Json json = TRY(object_of(text, lvm_command));
    const Json& report = value_of(json, "report");
    if (!report.is_array()) return foreign(lvm_command, 0, "it has no list \"report\"");
    Lvm lvm;
    for (const Json& part : report) TRY(read_part(lvm, part));
    for (const Json& row : TRY(rows_of(json, "log"))) lvm.log.push_back(fields_of(row));
    return lvm;
}

}  // namespace belay::storage::parse
