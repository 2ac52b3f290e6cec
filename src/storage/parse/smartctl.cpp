#include "storage/parse/smartctl.h"

#include "storage/parse/fields.h"
#include "storage/parse/lines.h"

#include <algorithm>
#include <array>

namespace belay::storage::parse {
namespace {

constexpr std::string_view smartctl_command = "smartctl --json";
constexpr size_t most_smart_rows = 4096;

std::optional<int64_t> degrees_of(const Json& json)
{
    if (!json.is_number_integer()) return std::nullopt;
    const auto degrees = json.get<int64_t>();
    // Disks that cannot tell say 0 Kelvin, or 255.
    return degrees > -128 && degrees < 200 ? std::optional(degrees) : std::nullopt;
}

/// The first of several keys that holds a text.
std::string first_text(const Json& json, std::initializer_list<const char*> keys)
{
    for (const char* key : keys) {
        if (const std::string text = text_of(json, key); !text.empty()) return text;
    }
    return {};
}

/// NAA, OUI and id as one number: "0x5000c500a1b2c3d4".
std::string wwn_of(const Json& json)
{
    const Json& wwn = value_of(json, "wwn");
    const auto naa = number_of(wwn, "naa"), oui = number_of(wwn, "oui"), id = number_of(wwn, "id");
    const bool whole = naa && oui && id && *naa < 16 && *oui < (1 << 24) && *id < (uint64_t{1} << 36);
    if (whole) return fmt::format("0x{:x}{:06x}{:09x}", *naa, *oui, *id);
    return text_of(json, "logical_unit_id");
}

void read_identity(Smart& smart, const Json& json)
{
    const Json& device = value_of(json, "device");
    smart.device = text_of(device, "name");
    smart.device_type = text_of(device, "type");
    smart.protocol = text_of(device, "protocol");
    smart.vendor = first_text(json, {"scsi_vendor", "vendor"});
    const std::string product = first_text(json, {"scsi_product", "product"});
    smart.model = first_text(json, {"model_name", "scsi_model_name"});
    if (smart.model.empty() && !product.empty())
        smart.model = smart.vendor + (smart.vendor.empty() ? "" : " ") + product;
    smart.family = text_of(json, "model_family");
    smart.serial = text_of(json, "serial_number");
    smart.firmware = first_text(json, {"firmware_version", "scsi_revision", "revision"});
    smart.wwn = wwn_of(json);
    smart.form_factor = text_of(value_of(json, "form_factor"), "name");
    smart.rotation_rate = number_of(json, "rotation_rate");
}

void read_sizes(Smart& smart, const Json& json)
{
    smart.capacity = number_of(value_of(json, "user_capacity"), "bytes");
    if (!smart.capacity) smart.capacity = number_of(json, "nvme_total_capacity");
    smart.logical_block_size = number_of(json, "logical_block_size");
    smart.physical_block_size = number_of(json, "physical_block_size");
}

void read_health(Smart& smart, const Json& json)
{
    smart.available = flag_of(value_of(json, "smart_support"), "available");
    smart.enabled = flag_of(value_of(json, "smart_support"), "enabled");
    smart.passed = flag_of(value_of(json, "smart_status"), "passed");
    smart.temperature = degrees_of(value_at(json, {"temperature", "current"}));
    smart.power_on_hours = number_of(value_of(json, "power_on_time"), "hours");
    smart.power_cycles = number_of(json, "power_cycle_count");
    smart.grown_defects = number_of(json, "scsi_grown_defect_list");
    smart.logged_errors = number_of(value_at(json, {"ata_smart_error_log", "summary"}), "count");
    const auto extended = number_of(value_at(json, {"ata_smart_error_log", "extended"}), "count");
    if (!smart.logged_errors) smart.logged_errors = extended;
    for (const char* log : {"ata_pending_defects_log", "scsi_pending_defects"}) {
        const auto count = number_of(value_of(json, log), "count");
        if (count && *count != UINT32_MAX) smart.pending_defects = count;
    }
}

void read_attributes(Smart& smart, const Json& json)
{
    const Json& table = value_at(json, {"ata_smart_attributes", "table"});
    if (!table.is_array()) return;
    for (const Json& row : table) {
        const auto id = number_of(row, "id");
        if (!id || smart.attributes.size() == most_smart_rows) continue;
        SmartAttribute attribute;
        attribute.id = *id;
        attribute.name = text_of(row, "name");
        attribute.value = number_of(row, "value");
        attribute.worst = number_of(row, "worst");
        attribute.threshold = number_of(row, "thresh");
        attribute.raw = number_of(value_of(row, "raw"), "value");
        attribute.raw_text = text_of(value_of(row, "raw"), "string");
        attribute.when_failed = text_of(row, "when_failed");
        attribute.prefailure = flag_of(value_of(row, "flags"), "prefailure").value_or(false);
        smart.attributes.push_back(std::move(attribute));
    }
}

void read_nvme(Smart& smart, const Json& json)
{
    const Json& log = value_of(json, "nvme_smart_health_information_log");
    if (!log.is_object()) return;
    SmartNvmeHealth health;
    health.critical_warning = number_of(log, "critical_warning");
    health.available_spare = number_of(log, "available_spare");
    health.available_spare_threshold = number_of(log, "available_spare_threshold");
    health.percentage_used = number_of(log, "percentage_used");
    health.data_units_read = number_of(log, "data_units_read");
    health.data_units_written = number_of(log, "data_units_written");
    health.host_reads = number_of(log, "host_reads");
    health.host_writes = number_of(log, "host_writes");
    health.controller_busy_time = number_of(log, "controller_busy_time");
    health.power_cycles = number_of(log, "power_cycles");
    health.power_on_hours = number_of(log, "power_on_hours");
    health.unsafe_shutdowns = number_of(log, "unsafe_shutdowns");
    health.media_errors = number_of(log, "media_errors");
    health.num_err_log_entries = number_of(log, "num_err_log_entries");
    health.warning_temp_time = number_of(log, "warning_temp_time");
    health.critical_comp_time = number_of(log, "critical_comp_time");
    for (const Json& sensor : value_of(log, "temperature_sensors")) {
        if (const auto degrees = degrees_of(sensor)) health.temperature_sensors.push_back(*degrees);
    }
    if (!smart.power_on_hours) smart.power_on_hours = health.power_on_hours;
    if (!smart.power_cycles) smart.power_cycles = health.power_cycles;
    if (!smart.temperature) smart.temperature = degrees_of(value_of(log, "temperature"));
    smart.nvme = std::move(health);
}

void read_error_counters(Smart& smart, const Json& json)
{
    for (const char* operation : {"read", "write", "verify"}) {
        const Json& row = value_at(json, {"scsi_error_counter_log", operation});
        if (!row.is_object()) continue;
        smart.error_counters.push_back({.operation = operation,
                                        .corrected = number_of(row, "total_errors_corrected"),
                                        .uncorrected = number_of(row, "total_uncorrected_errors"),
                                        .gigabytes_processed = text_of(row, "gigabytes_processed")});
    }
}

SmartSelfTest self_test_of(const Json& row)
{
    // NVMe and SCSI have other names for the same.
    SmartSelfTest test;
    for (const char* key : {"type", "self_test_code", "code"}) {
        if (test.type.empty()) test.type = text_of(value_of(row, key), "string");
    }
    for (const char* key : {"status", "self_test_result", "result"}) {
        const Json& status = value_of(row, key);
        if (test.status.empty()) test.status = text_of(status, "string");
        if (!test.passed) test.passed = flag_of(status, "passed");
        if (!test.remaining_percent) test.remaining_percent = number_of(status, "remaining_percent");
    }
    test.lifetime_hours = number_of(row, "lifetime_hours");
    if (!test.lifetime_hours) test.lifetime_hours = number_of(row, "power_on_hours");
    if (!test.lifetime_hours) test.lifetime_hours = number_of(value_of(row, "power_on_time"), "hours");
    return test;
}

void read_self_tests(Smart& smart, const Json& json)
{
    const Json* table = &value_at(json, {"ata_smart_self_test_log", "extended", "table"});
    if (!table->is_array()) table = &value_at(json, {"ata_smart_self_test_log", "standard", "table"});
    if (!table->is_array()) table = &value_at(json, {"nvme_self_test_log", "table"});
    if (table->is_array()) {
        for (const Json& row : *table) {
            if (row.is_object() && smart.self_tests.size() < most_smart_rows)
                smart.self_tests.push_back(self_test_of(row));
        }
    }
    for (int i = 0; i < 20; ++i) {
        const Json& row = value_of(json, fmt::format("scsi_self_test_{}", i).c_str());
        if (row.is_object()) smart.self_tests.push_back(self_test_of(row));
    }
}

void read_run(Smart& smart, const Json& run)
{
    smart.exit_status = number_of(run, "exit_status");
    for (const Json& number : value_of(run, "version")) {
        if (number.is_number_unsigned() && smart.version.size() < 8)
            smart.version.push_back(number.get<uint64_t>());
    }
    for (const Json& message : value_of(run, "messages")) {
        const std::string text = text_of(message, "string");
        if (!text.empty()) smart.messages.push_back({text, text_of(message, "severity")});
    }
}

}  // namespace

const SmartAttribute* Smart::attribute(std::string_view name) const
{
    const auto found = std::ranges::find(attributes, name, &SmartAttribute::name);
    return found == attributes.end() ? nullptr : &*found;
}

Result<Smart> parse_smartctl(std::string_view text)
{
    const Json json = TRY(object_of(text, smartctl_command));
    const Json& run = value_of(json, "smartctl");
    if (!run.is_object()) return foreign(smartctl_command, 0, "it has no object \"smartctl\"");
    Smart smart;
    read_run(smart, run);
    if (!value_of(json, "device").is_object() && smart.messages.empty())
        return foreign(smartctl_command, 0, "it speaks of no device");
    read_identity(smart, json);
    read_sizes(smart, json);
    read_health(smart, json);
    read_attributes(smart, json);
    read_nvme(smart, json);
    read_error_counters(smart, json);
    read_self_tests(smart, json);
    smart.wear = smart_wear(smart, json);
    return smart;
}

std::vector<std::string> smart_exit_meanings(uint64_t exit_status)
{
    static constexpr std::array<const char*, 8> bits{
        "the command line was not understood",
        "the device could not be opened",
        "a SMART or ATA command failed, or a checksum is wrong",
        "the disk says that it is failing",
        "a prefailure attribute is at its threshold or below",
        "an attribute was at its threshold or below in the past",
        "the error log holds errors",
        "the self-test log holds errors",
    };
    std::vector<std::string> meanings;
    for (size_t bit = 0; bit < bits.size(); ++bit) {
        if ((exit_status >> bit & 1) != 0) meanings.emplace_back(bits[bit]);
    }
    return meanings;
}

}  // namespace belay::storage::parse
