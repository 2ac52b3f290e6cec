#pragma once
// LVM in JSON: `lvm fullreport`, and `vgs`, `pvs`, `lvs` with any columns, all with --reportformat json (or
// json_std). What is asked for decides what is there; `fields` has every column that was printed.
// Source: lvmreport(7), lvs(8) on lv_attr, vgs(8), pvs(8).

#include "base/json.h"

#include <map>
#include <optional>

namespace belay::storage::parse {

/// Columns by LVM's names: numbers where the column is a number or a size that is not rounded (bytes), else
/// as printed ("<10.00g"). Empty columns are left out.
using LvmFields = std::map<std::string, Json>;

struct LvmGroup {
    std::string name, uuid, attr;
    std::vector<std::string> tags;
    std::optional<uint64_t> size, free, extent_size;  ///< bytes
    std::optional<uint64_t> extents, free_extents;
    LvmFields fields;
};

struct LvmPhysical {
    std::string name, uuid, attr;
    std::string group;  ///< empty: it belongs to none
    std::vector<std::string> tags;
    std::optional<uint64_t> size, free, used, device_size;  ///< bytes
    LvmFields fields;
};

struct LvmLogical {
    std::string name, uuid, attr;
    bool hidden = false;  ///< one that LVM made for itself: printed as "[lvol0_pmspare]"
    std::string group;
    std::vector<std::string> tags;
    std::string origin, pool, data_lv, metadata_lv;
    std::optional<uint64_t> size;                          ///< bytes
    std::optional<double> data_percent, metadata_percent;  ///< of a thin pool, a snapshot or a cache
    std::optional<double> sync_percent;
    std::vector<std::string> devices;  ///< "/dev/sda2(0)"
    LvmFields fields;
};

/// A segment of an LV, or of a PV.
struct LvmSegment {
    std::string lv_uuid, pv_uuid, type;
    LvmFields fields;
};

struct Lvm {
    std::vector<LvmGroup> groups;
    std::vector<LvmPhysical> physical;
    std::vector<LvmLogical> logical;
    std::vector<LvmSegment> segments, physical_segments;
    std::vector<LvmFields> log;  ///< what the command said of its own work
};

/// Errors: corrupt.
Result<Lvm> parse_lvm(std::string_view text);

/// "4194304B", "4194304", "20971520S" in bytes; nothing for what is rounded: "10.00g", "<1.82t".
std::optional<uint64_t> lvm_bytes(std::string_view text);
/// What the letters of lv_attr say, where they say something: "type", "permissions", "state", "open",
/// "health".
std::map<std::string, std::string> lv_attr_meaning(std::string_view attr);
std::map<std::string, std::string> vg_attr_meaning(std::string_view attr);
std::map<std::string, std::string> pv_attr_meaning(std::string_view attr);

void to_json(nlohmann::json& json, const Lvm& lvm);

}  // namespace belay::storage::parse
