#include "storage/parse/fields.h"
#include "storage/parse/smartctl.h"

namespace belay::storage::parse {
namespace {

Json json_of(const SmartAttribute& attribute)
{
    Json json = {{"id", attribute.id}, {"prefailure", attribute.prefailure}};
    put(json, "name", attribute.name);
    put(json, "value", attribute.value);
    put(json, "worst", attribute.worst);
    put(json, "threshold", attribute.threshold);
    put(json, "raw", attribute.raw);
    put(json, "raw_text", attribute.raw_text);
    put(json, "when_failed", attribute.when_failed);
    return json;
}

Json json_of(const SmartNvmeHealth& health)
{
    Json json = Json::object();
    put(json, "critical_warning", health.critical_warning);
    put(json, "available_spare", health.available_spare);
    put(json, "available_spare_threshold", health.available_spare_threshold);
    put(json, "percentage_used", health.percentage_used);
    put(json, "data_units_read", health.data_units_read);
    put(json, "data_units_written", health.data_units_written);
    put(json, "host_reads", health.host_reads);
    put(json, "host_writes", health.host_writes);
    put(json, "controller_busy_time", health.controller_busy_time);
    put(json, "power_cycles", health.power_cycles);
    put(json, "power_on_hours", health.power_on_hours);
    put(json, "unsafe_shutdowns", health.unsafe_shutdowns);
    put(json, "media_errors", health.media_errors);
    put(json, "num_err_log_entries", health.num_err_log_entries);
    put(json, "warning_temp_time", health.warning_temp_time);
    put(json, "critical_comp_time", health.critical_comp_time);
    if (!health.temperature_sensors.empty()) json["temperature_sensors"] = health.temperature_sensors;
    return json;
}

Json json_of(const SmartErrorCounter& counter)
{
    Json json = {{"operation", counter.operation}};
    put(json, "corrected", counter.corrected);
    put(json, "uncorrected", counter.uncorrected);
    put(json, "gigabytes_processed", counter.gigabytes_processed);
    return json;
}

Json json_of(const SmartSelfTest& test)
{
    Json json = Json::object();
    put(json, "type", test.type);
    put(json, "status", test.status);
    put(json, "passed", test.passed);
    put(json, "lifetime_hours", test.lifetime_hours);
    put(json, "remaining_percent", test.remaining_percent);
    return json;
}

Json json_of(const SmartMessage& message)
{
    Json json = {{"text", message.text}};
    put(json, "severity", message.severity);
    return json;
}

template <typename T>
void put_rows(Json& json, const char* key, const std::vector<T>& list)
{
    for (const T& one : list) json[key].push_back(json_of(one));
}

void put_identity(Json& json, const Smart& smart)
{
    put(json, "device", smart.device);
    put(json, "device_type", smart.device_type);
    put(json, "protocol", smart.protocol);
    put(json, "model", smart.model);
    put(json, "family", smart.family);
    put(json, "vendor", smart.vendor);
    put(json, "serial", smart.serial);
    put(json, "firmware", smart.firmware);
    put(json, "wwn", smart.wwn);
    put(json, "capacity", smart.capacity);
    put(json, "logical_block_size", smart.logical_block_size);
    put(json, "physical_block_size", smart.physical_block_size);
    put(json, "rotation_rate", smart.rotation_rate);
    put(json, "form_factor", smart.form_factor);
}

}  // namespace

void to_json(Json& json, const Smart& smart)
{
    json = Json::object();
    put_identity(json, smart);
    put(json, "available", smart.available);
    put(json, "enabled", smart.enabled);
    put(json, "passed", smart.passed);
    put(json, "temperature", smart.temperature);
    put(json, "power_on_hours", smart.power_on_hours);
    put(json, "power_cycles", smart.power_cycles);
    if (smart.wear)
        json["wear"] = {{"percent_used", smart.wear->percent_used}, {"source", smart.wear->source}};
    put_rows(json, "attributes", smart.attributes);
    if (smart.nvme) json["nvme"] = json_of(*smart.nvme);
    put_rows(json, "error_counters", smart.error_counters);
    put(json, "grown_defects", smart.grown_defects);
    put(json, "logged_errors", smart.logged_errors);
    put(json, "pending_defects", smart.pending_defects);
    put_rows(json, "self_tests", smart.self_tests);
    put(json, "exit_status", smart.exit_status);
    if (smart.exit_status) put(json, "exit_meanings", smart_exit_meanings(*smart.exit_status));
    put_rows(json, "messages", smart.messages);
    if (!smart.version.empty()) json["smartctl_version"] = smart.version;
}

}  // namespace belay::storage::parse
