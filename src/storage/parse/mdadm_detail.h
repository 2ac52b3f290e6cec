#pragma once
// `mdadm --detail`: what an md array is and which devices it stands on.

#include "storage/parse/mdadm_text.h"

#include <nlohmann/json_fwd.hpp>

namespace belay::storage::parse {

struct MdadmDetail {
    std::string device;                      ///< "/dev/md0"; empty where the text does not say
    std::string version;                     ///< of the metadata: "1.2", "0.90", "imsm", "ddf"
    std::string container, member;           ///< of an array in a container: "/dev/md/imsm0", "0"
    std::string level;                       ///< "raid1", "container"; an inactive array may have none
    std::string creation_time, update_time;  ///< as printed: in the zone of that host, which is not said
    std::optional<uint64_t> array_size, used_dev_size;  ///< bytes
    std::optional<uint64_t> raid_devices, total_devices;
    std::optional<uint64_t> active_devices, working_devices, failed_devices, spare_devices;
    std::optional<uint64_t> preferred_minor;
    std::string persistence, intent_bitmap, consistency_policy;
    std::vector<std::string> state;  ///< "clean", "degraded", "recovering"
    std::string waits;               ///< "DELAYED", "PENDING", "REMOTE": a sync has yet to begin
    std::string layout;
    std::optional<uint64_t> chunk, rounding;  ///< bytes
    std::string sync_action;                  ///< "rebuild", "resync", "reshape", "check"
    std::optional<uint64_t> sync_percent;
    std::optional<int64_t> delta_devices;  ///< of a reshape
    std::string new_level, new_layout;
    std::optional<uint64_t> new_chunk;  ///< bytes
    std::string name, homehost;
    std::string uuid;
    std::optional<uint64_t> events;
    std::string container_guid, seq;  ///< of DDF
    std::optional<uint64_t> virtual_disks;
    std::vector<std::string> member_arrays;    ///< of a container
    std::vector<MdadmRow> devices;             ///< a row a leg at least, then what has no slot
    std::map<std::string, std::string> other;  ///< fields that are none of these, as printed
};

struct MdadmDetails {
    std::vector<MdadmDetail> arrays;
    std::vector<MdadmScanned> scanned;            ///< of --scan or --brief
    std::map<std::string, std::string> exported;  ///< of --export
};

/// One array or several. Errors: corrupt; also where the table of devices is not whole.
Result<MdadmDetails> parse_mdadm_detail(std::string_view text);

void to_json(nlohmann::json& json, const MdadmDetails& details);

}  // namespace belay::storage::parse
