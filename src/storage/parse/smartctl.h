#pragma once
// `smartctl --json`: what a disk says of itself, whether it speaks ATA, NVMe or SCSI. Any section may be
// missing: it depends on what smartctl was asked for, its version, the controller between, and the disk.
// Source: smartmontools, smartctl(8) "EXIT STATUS", json_format_version 1.0.

#include "base/result.h"

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::storage::parse {

/// A row of the ATA attribute table.
struct SmartAttribute {
    uint64_t id = 0;
    std::string name;  ///< smartctl's, by its drive database: "Wear_Leveling_Count"
    std::optional<uint64_t> value, worst, threshold;  ///< normalised: they fall, and below threshold is bad
    std::optional<uint64_t> raw;  ///< 48 bits as they are; some vendors pack several numbers
    std::string raw_text;         ///< as smartctl reads them: "26 (Min/Max 13/41)"
    std::string when_failed;      ///< "now", "past"; empty: never
    bool prefailure = false;      ///< below threshold means: it dies
};

/// How much of its life a solid-state disk has used, and who says so.
struct SmartWear {
    uint64_t percent_used = 0;  ///< 0: new, 100: what it was built for; NVMe goes past it
    std::string source;         ///< "percentage_used", "Media_Wearout_Indicator"
};

struct SmartNvmeHealth {
    std::optional<uint64_t> critical_warning;                                             ///< bits, 0: none
    std::optional<uint64_t> available_spare, available_spare_threshold, percentage_used;  ///< percent
    std::optional<uint64_t> data_units_read, data_units_written;  ///< of 1000 * 512 bytes
    std::optional<uint64_t> host_reads, host_writes;              ///< commands
    std::optional<uint64_t> controller_busy_time;                 ///< minutes
    std::optional<uint64_t> power_cycles, power_on_hours, unsafe_shutdowns;
    std::optional<uint64_t> media_errors, num_err_log_entries;
    std::optional<uint64_t> warning_temp_time, critical_comp_time;  ///< minutes
    std::vector<int64_t> temperature_sensors;                       ///< degrees Celsius
};

/// Of SCSI's error counter log: reads, writes or verifies.
struct SmartErrorCounter {
    std::string operation;  ///< "read", "write", "verify"
    std::optional<uint64_t> corrected, uncorrected;
    std::string gigabytes_processed;  ///< decimal, as printed: "162438.759"
};

struct SmartSelfTest {
    std::string type, status;  ///< "Short offline", "Completed without error"
    std::optional<bool> passed;
    std::optional<uint64_t> lifetime_hours;  ///< of the disk, when it ran
    std::optional<uint64_t> remaining_percent;
};

struct SmartMessage {
    std::string text, severity;  ///< "error", "warning", "information"
};

struct Smart {
    std::string device, device_type, protocol;  ///< "/dev/sda", "sat", "ATA"
    std::string model, family, vendor, serial, firmware;
    std::string wwn;                   ///< "0x5000c500a1b2c3d4", made of its parts; of SCSI, as printed
    std::optional<uint64_t> capacity;  ///< bytes
    std::optional<uint64_t> logical_block_size, physical_block_size;  ///< bytes
    std::optional<uint64_t> rotation_rate;                            ///< turns a minute; 0: solid state
    std::string form_factor;
    std::optional<bool> available, enabled;  ///< whether it has SMART at all, and switched on
    std::optional<bool> passed;              ///< its own verdict
    std::optional<int64_t> temperature;      ///< degrees Celsius
    std::optional<uint64_t> power_on_hours, power_cycles;
    std::optional<SmartWear> wear;
    std::vector<SmartAttribute> attributes;
    std::optional<SmartNvmeHealth> nvme;
    std::vector<SmartErrorCounter> error_counters;
    std::optional<uint64_t> grown_defects;    ///< SCSI
    std::optional<uint64_t> logged_errors;    ///< ATA: in its error log, ever
    std::optional<uint64_t> pending_defects;  ///< SCSI and ATA: in the log of pending defects
    std::vector<SmartSelfTest> self_tests;    ///< newest first, as printed
    std::optional<uint64_t> exit_status;      ///< of smartctl, as bits
    std::vector<SmartMessage> messages;
    std::vector<uint64_t> version;  ///< of smartctl: 7, 3

    /// The attribute of this name; null where there is none.
    const SmartAttribute* attribute(std::string_view name) const;
};

/// Errors: corrupt.
Result<Smart> parse_smartctl(std::string_view text);

/// What the bits of smartctl's exit status say, a sentence a bit; the lowest first.
std::vector<std::string> smart_exit_meanings(uint64_t exit_status);
/// The wear of a disk, by the first of the sources that it has. Nothing where none is understood.
std::optional<SmartWear> smart_wear(const Smart& smart, const nlohmann::json& json);

void to_json(nlohmann::json& json, const Smart& smart);

}  // namespace belay::storage::parse
