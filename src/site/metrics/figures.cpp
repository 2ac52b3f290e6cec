#include "site/metrics/figures.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace belay::site::metrics {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

using Labels = std::vector<ClientMetric::Label>;

constexpr std::array operation_states = {"planned",   "adding",     "added",    "activating",
                                         "activated", "committing", "aborting", "held"};
constexpr std::array phases = {"stopped",    "waiting",   "starting", "started", "unavailable",
                               "suspending", "suspended", "stopping", "failed"};
constexpr std::array stands = {"stopped", "starting", "started", "degraded", "impaired", "stopping"};
constexpr std::array presences = {"attached", "silent", "gone", "never"};
constexpr std::array findings = {"note", "warning", "critical"};
constexpr std::array levels = {"alarm", "standard", "interaction", "trace", "debug"};

const Json& at(const Json& json, const char* name)
{
    static const Json nothing;
    if (!json.is_object()) return nothing;
    const auto found = json.find(name);
    return found == json.end() ? nothing : *found;
}

std::string text(const Json& json, const char* name)
{
    const Json& value = at(json, name);
    return value.is_string() ? value.get<std::string>() : "";
}

class Figures {
  public:
    void gauge(const char* name, const char* help, Labels labels, double value)
    {
        if (ClientMetric* const metric = add(name, help, MetricType::Gauge, std::move(labels)))
            metric->gauge.value = value;
    }
    /// Only where it is a number, or true or false. `unit`: what one of it is in the unit of the figure.
    void gauge_of(const char* name, const char* help, Labels labels, const Json& value, double unit = 1)
    {
        if (!value.is_number() && !value.is_boolean()) return;
        const double number = value.is_boolean() ? (value.get<bool>() ? 1 : 0) : value.get<double>() * unit;
        gauge(name, help, std::move(labels), number);
    }
    void counter_of(const char* name, const char* help, Labels labels, const Json& value)
    {
        if (!value.is_number()) return;
        if (ClientMetric* const metric = add(name, help, MetricType::Counter, std::move(labels)))
            metric->counter.value = value.get<double>();
    }
    template <size_t count>
    void one_of(const char* name, const char* help, const Labels& labels, const char* label,
                const std::array<const char*, count>& all, const std::string& now)
    {
        for (const char* const state : all) {
            Labels with = labels;
            with.push_back({label, state});
            gauge(name, help, std::move(with), now == state ? 1 : 0);
        }
    }
    Families take() { return std::move(families_); }

  private:
    /// Null: there is one with these labels, and Prometheus would take none of all the answer. So it is where
    /// a filesystem was mounted over another.
    ClientMetric* add(const char* name, const char* help, MetricType type, Labels labels)
    {
        const auto [known, is_new] = place_.try_emplace(name, families_.size());
        if (is_new) families_.push_back({.name = name, .help = help, .type = type, .metric = {}});
        if (!seen_.emplace(name, labels).second) return nullptr;
        ClientMetric& metric = families_[known->second].metric.emplace_back();
        metric.label = std::move(labels);
        return &metric;
    }

    Families families_;
    std::map<std::string, size_t> place_;
    std::set<std::pair<std::string, Labels>> seen_;
};

void pressure(Figures& figures, const std::string& host, const char* resource, const Json& told)
{
    for (const char* const whom : {"some", "full"}) {
        const Json& averages = at(told, whom);
        if (!averages.is_array() || averages.empty()) continue;
        figures.gauge_of("belay_host_pressure_ratio",
                         "Of the last 10 seconds, the share in which some or all of what runs waited.",
                         {{"host", host}, {"resource", resource}, {"waiting", whom}}, averages.at(0), 0.01);
    }
}

void filesystems(Figures& figures, const std::string& host, const Json& told)
{
    for (const Json& one : told) {
        const Labels labels = {{"host", host},
                               {"mountpoint", text(one, "at")},
                               {"device", text(one, "device")},
                               {"fstype", text(one, "type")}};
        figures.gauge_of("belay_host_filesystem_size_bytes", "Size of a filesystem.", labels,
                         at(one, "size"));
        figures.gauge_of("belay_host_filesystem_free_bytes", "What users may still write.", labels,
                         at(one, "free"));
        figures.gauge_of("belay_host_filesystem_files", "How many files it can have; 0: no limit.", labels,
                         at(one, "inodes"));
        figures.gauge_of("belay_host_filesystem_files_free", "How many more.", labels,
                         at(one, "inodes_free"));
    }
}

void disks(Figures& figures, const std::string& host, const Json& told)
{
    for (const Json& one : told) {
        const Labels labels = {{"host", host}, {"disk", text(one, "name")}};
        figures.gauge_of("belay_host_disk_busy_ratio", "Share of the time in which it was at work.", labels,
                         at(one, "busy"), 0.01);
        figures.gauge_of("belay_host_disk_read_bytes_per_second", "What is read from it.", labels,
                         at(one, "read"));
        figures.gauge_of("belay_host_disk_written_bytes_per_second", "What is written to it.", labels,
                         at(one, "written"));
    }
}

void load(Figures& figures, const std::string& host, const Json& told)
{
    const Labels labels = {{"host", host}};
    const Json& processor = at(told, "processor");
    figures.gauge_of("belay_host_processors", "How many there are.", labels, at(processor, "count"));
    for (const char* const mode : {"user", "system", "iowait", "steal"}) {
        figures.gauge_of("belay_host_processor_ratio", "Of all processors' time, what went to this.",
                         {{"host", host}, {"mode", mode}}, at(processor, mode), 0.01);
    }
    const Json& averages = at(processor, "load_average");
    constexpr std::array minutes = {"1m", "5m", "15m"};
    for (size_t i = 0; averages.is_array() && i < minutes.size() && i < averages.size(); ++i) {
        figures.gauge_of("belay_host_load_average", "The kernel's load average.",
                         {{"host", host}, {"over", minutes[i]}}, averages.at(i));
    }
    const Json& memory = at(told, "memory");
    figures.gauge_of("belay_host_memory_total_bytes", "Memory of the host.", labels, at(memory, "total"));
    figures.gauge_of("belay_host_memory_available_bytes", "What programs could still take of it.", labels,
                     at(memory, "available"));
    figures.gauge_of("belay_host_swap_total_bytes", "Room to swap to.", labels, at(memory, "swap"));
    figures.gauge_of("belay_host_swap_free_bytes", "What of it is free.", labels, at(memory, "swap_free"));
    pressure(figures, host, "processor", at(processor, "pressure"));
    pressure(figures, host, "memory", at(memory, "pressure"));
    pressure(figures, host, "disk", at(told, "disk_pressure"));
    disks(figures, host, at(told, "disks"));
    filesystems(figures, host, at(told, "filesystems"));
}

void hosts(Figures& figures, const Json& status)
{
    const Json& place = at(status, "place");
    const Json& of_site = at(at(place, "controller"), "hosts");
    const Json& link = at(place, "link");
    const std::string own = link.is_object() ? text(link, "name") : text(status, "host");
    // What this host says of itself is newer than what it has heard of itself.
    load(figures, own, at(status, "load"));
    for (const Json& host : of_site) {
        const std::string name = text(host, "name");
        const Json& presence = at(host, "presence");
        figures.one_of("belay_host_presence", "How a host of the site is reached.",
                       {{"host", name}, {"role", text(host, "role")}}, "presence", presences,
                       text(presence, "state"));
        if (text(presence, "state") == "attached") {
            figures.gauge_of("belay_host_clock_ahead_seconds", "How far its clock is ahead of this host's.",
                             {{"host", name}}, at(presence, "clock_ahead_ms"), 0.001);
        }
        load(figures, name, at(host, "load"));
    }
    figures.gauge_of("belay_link_attached", "Whether this host has its controller.", {},
                     at(link, "attached"));
    figures.gauge_of("belay_certificate_end_timestamp_seconds",
                     "When this host's certificate for the site ends.", {}, at(link, "certificate_ends_ms"),
                     0.001);
    figures.gauge_of("belay_controller_leads", "Whether this controller leads the site.", {},
                     at(at(place, "controller"), "leads"));
}

void operations(Figures& figures, const Json& told)
{
    const Json& open = at(told, "unfinished");
    if (!open.is_array()) return;
    for (const char* const state : operation_states) {
        const auto count = std::ranges::count_if(
            open, [state](const Json& operation) { return text(operation, "state") == state; });
        figures.gauge("belay_operations", "Operations that have not ended.", {{"state", state}},
                      static_cast<double>(count));
    }
    for (const Json& operation : open) {
        figures.gauge_of("belay_operation_abort_seconds",
                         "How long until an operation aborts by its timer, unless somebody commits it.",
                         {{"operation", text(operation, "id")}, {"procedure", text(operation, "procedure")}},
                         at(at(operation, "timer"), "left_ms"), 0.001);
    }
}

void applications(Figures& figures, const Json& told)
{
    for (const Json& application : told) {
        const Labels labels = {{"application", text(application, "name")},
                               {"host", text(application, "host")}};
        figures.one_of("belay_application_phase", "How an application stands.", labels, "phase", phases,
                       text(application, "phase"));
        figures.gauge_of("belay_application_phase_start_timestamp_seconds", "Since when.", labels,
                         at(application, "since_ms"), 0.001);
        figures.counter_of("belay_application_restarts_total",
                           "How often it was started anew, since somebody asked for it.", labels,
                           at(application, "restarts"));
    }
}

void solutions(Figures& figures, const Json& told)
{
    for (const Json& solution : told) {
        figures.one_of("belay_solution_state", "How a solution stands.",
                       {{"solution", text(solution, "name")}}, "state", stands, text(solution, "stands"));
    }
}

void pairs(Figures& figures, const Json& told)
{
    for (const Json& pair : at(told, "pairs")) {
        const std::string serving = text(pair, "serves");
        for (const Json& application : at(pair, "applications")) {
            const std::string name = text(application, "name");
            figures.gauge("belay_pair_serves", "Which one of a pair serves.",
                          {{"pair", text(pair, "name")}, {"application", name}},
                          !name.empty() && name == serving ? 1 : 0);
        }
        figures.gauge("belay_pair_problem", "Whether a pair could not be switched over now.",
                      {{"pair", text(pair, "name")}}, text(pair, "problem").empty() ? 0 : 1);
    }
}

void alarms(Figures& figures, const Json& told)
{
    struct Count {
        std::string severity;
        double raised = 0, acknowledged = 0;
    };
    std::map<std::string, Count> counts;
    for (const Json& condition : at(told, "conditions"))
        counts[text(condition, "name")].severity = text(condition, "severity");
    for (const Json& alarm : at(told, "alarms")) {
        Count& count = counts[text(alarm, "alarm")];
        if (count.severity.empty()) count.severity = text(alarm, "severity");
        if (text(alarm, "state") == "raised") ++count.raised;
        if (text(alarm, "state") == "acknowledged") ++count.acknowledged;
    }
    for (const auto& [name, count] : counts) {
        for (const auto& [state, value] :
             {std::pair("raised", count.raised), std::pair("acknowledged", count.acknowledged)}) {
            figures.gauge("belay_alarms", "Alarms that have not ended.",
                          {{"alarm", name}, {"severity", count.severity}, {"state", state}}, value);
        }
    }
}

void health(Figures& figures, const Json& told)
{
    const Json& found = at(told, "findings");
    if (!found.is_array()) return;
    for (const char* const severity : findings) {
        const auto count = std::ranges::count_if(
            found, [severity](const Json& finding) { return text(finding, "severity") == severity; });
        figures.gauge("belay_storage_findings", "What belay storage health finds on this host.",
                      {{"severity", severity}}, static_cast<double>(count));
    }
}

void messages(Figures& figures, const Json& told)
{
    if (!told.is_object()) return;
    figures.counter_of("belay_messages_kept_total", "Messages that the message server has kept.", {},
                       at(told, "kept"));
    for (const char* const level : levels) {
        figures.counter_of("belay_messages_dropped_total", "Messages that were dropped in a flood.",
                           {{"level", level}}, at(at(told, "dropped"), level));
    }
    figures.gauge_of("belay_messages_waiting_bytes", "What was said and is not on the disk yet.", {},
                     at(told, "waiting_bytes"));
    const Json& store = at(told, "store");
    figures.gauge_of("belay_messages_stored", "Messages that can be searched.", {}, at(store, "messages"));
    figures.gauge_of("belay_messages_stored_bytes", "Room that they take.", {}, at(store, "bytes"));
    figures.gauge("belay_messages_store_usable", "Whether messages can be kept.", {},
                  at(told, "problem").is_null() ? 1 : 0);
}

}  // namespace

Families figures_of(const Told& told)
{
    Figures figures;
    const Json& status = told.status;
    figures.gauge("belay_up", "Whether belayd answers.", {}, status.is_object() ? 1 : 0);
    if (status.is_object()) {
        figures.gauge("belay_build_info", "The version of belayd.", {{"version", text(status, "version")}},
                      1);
        figures.gauge_of("belay_start_timestamp_seconds", "When belayd was started.", {},
                         at(status, "started_ms"), 0.001);
        figures.gauge_of("belay_configuration_version", "Version of the configuration.", {},
                         at(at(status, "configuration"), "version"));
        figures.gauge_of("belay_maintenance", "Whether this host is in maintenance.", {},
                         at(status, "maintenance"));
        hosts(figures, status);
        operations(figures, at(status, "operations"));
        applications(figures, at(status, "applications"));
        solutions(figures, at(status, "solutions"));
    }
    pairs(figures, told.pairs);
    alarms(figures, told.alarms);
    health(figures, told.health);
    messages(figures, told.messages);
    return figures.take();
}

}  // namespace belay::site::metrics
