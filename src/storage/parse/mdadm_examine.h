#pragma once
// `mdadm --examine`: what a superblock on a device says. It speaks for the device alone, and of the time when
// it was written last.

#include "storage/parse/mdadm_text.h"

#include <nlohmann/json_fwd.hpp>

namespace belay::storage::parse {

/// A partition of an MBR or a GPT; positions and sizes in sectors, of a size that mdadm does not say.
struct MdadmPartition {
    uint64_t number = 0;  ///< from 0, as mdadm counts
    std::optional<uint64_t> sectors, start;
    std::string type;  ///< "fd", or the GPT's GUID
};

/// A volume in a container of Intel's (imsm) or SNIA's (ddf) format.
struct MdadmVolume {
    std::string name, uuid;  ///< of DDF, uuid is the GUID
    std::string level, state;
    std::optional<uint64_t> members;
    std::string slots;                                           ///< imsm: a letter a member, "U_"
    std::optional<uint64_t> slot;                                ///< of the device that was examined
    std::optional<uint64_t> array_size, per_device_size, chunk;  ///< bytes
    std::string migrate_state;
    std::map<std::string, std::string> other;
};

/// A physical disk that a container knows of.
struct MdadmDisk {
    std::string label;                ///< imsm: "Disk00"; ddf: its number
    std::string serial;               ///< imsm
    std::string refno, device, type;  ///< ddf
    std::vector<std::string> state;
    std::optional<uint64_t> size;  ///< bytes
};

struct MdadmExamine {
    std::string device;
    std::string format;  ///< "md", "imsm", "ddf", "mbr", "gpt"
    std::string magic, version, feature_map;
    std::string array_uuid, device_uuid;
    std::string name, homehost;
    std::string creation_time, update_time;  ///< as printed, in an unknown zone
    std::string level;
    std::optional<uint64_t> raid_devices, total_devices;
    std::optional<uint64_t> active_devices, working_devices, failed_devices, spare_devices;
    std::optional<uint64_t> preferred_minor;
    std::optional<uint64_t> avail_dev_size, array_size, used_dev_size;               ///< bytes
    std::optional<uint64_t> data_offset, new_offset, super_offset, recovery_offset;  ///< bytes
    std::optional<uint64_t> unused_before;                                           ///< bytes
    std::optional<int64_t> unused_after;  ///< bytes; below zero: the device is too small
    std::vector<std::string> state;       ///< "clean", "active"
    std::string internal_bitmap;
    std::vector<std::string> flags;  ///< "write-mostly", "failfast"
    std::string bad_block_log;
    std::optional<bool> bad_blocks;  ///< whether there are any
    std::string checksum;
    std::optional<bool> checksum_correct;
    std::optional<uint64_t> events;
    std::string layout;
    std::optional<uint64_t> chunk, rounding;  ///< bytes
    std::string role;                         ///< "active", "spare", "journal", "replacement"
    std::optional<uint64_t> slot;             ///< of an active one or a replacement
    /// How this device saw its array, a word a leg: "active", "missing", "replacing", "inconsistent".
    std::vector<std::string> array_state;
    std::optional<uint64_t> reshape_position;  ///< bytes
    std::optional<int64_t> delta_devices;
    std::string new_level, new_layout;
    std::optional<uint64_t> new_chunk;  ///< bytes
    std::vector<MdadmRow> devices;      ///< of metadata 0.90
    std::vector<MdadmPartition> partitions;
    std::vector<MdadmVolume> volumes;
    std::vector<MdadmDisk> disks;
    std::map<std::string, std::string> other;
};

struct MdadmExamines {
    std::vector<MdadmExamine> devices;
    std::vector<MdadmScanned> scanned;            ///< of --scan or --brief
    std::map<std::string, std::string> exported;  ///< of --export
};

/// One device or several. Errors: corrupt; also where a superblock's text is not whole.
Result<MdadmExamines> parse_mdadm_examine(std::string_view text);

void to_json(nlohmann::json& json, const MdadmExamines& examines);

/// The part of a container's format: fields are taken out of `fields`. Errors: corrupt.
Result<void> read_imsm(MdadmExamine& device, const MdadmSection& section);
Result<void> read_ddf(MdadmExamine& device, const MdadmSection& section, MdadmFields& fields);

}  // namespace belay::storage::parse
