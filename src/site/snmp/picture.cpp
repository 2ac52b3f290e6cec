#include "site/snmp/picture.h"

#include "site/snmp/fields.h"
#include "site/snmp/mib.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>
#include <limits>

namespace belay::site::snmp {
namespace {

constexpr double most_gauge = std::numeric_limits<uint32_t>::max();
constexpr double most_integer = std::numeric_limits<int32_t>::max();
constexpr double bytes_in_mebibyte = 1 << 20;

bool is_before(OidView one, OidView other)
{
    return std::ranges::lexicographical_compare(one, other);
}

/// SNMP's DateAndTime, in UTC.
std::string date_and_time(int64_t wall_ms)
{
    const time_t whole = wall_ms / 1000;
    tm parts{};
    if (gmtime_r(&whole, &parts) == nullptr) return {};
    const int year = parts.tm_year + 1900;
    std::string text;
    for (const int64_t byte :
         {int64_t{year / 256}, int64_t{year % 256}, int64_t{parts.tm_mon + 1}, int64_t{parts.tm_mday},
          int64_t{parts.tm_hour}, int64_t{parts.tm_min}, int64_t{parts.tm_sec}, wall_ms / 100 % 10,
          int64_t{'+'}, int64_t{0}, int64_t{0}})
        text.push_back(static_cast<char>(byte));
    return text;
}

/// What follows the column of a row that is found by a name alone.
Oid index_by_name(const std::string& name)
{
    const std::string whole = cut(name, mib::most_name_bytes);
    Oid index;
    for (const char one : whole) index.push_back(static_cast<unsigned char>(one));
    return index;
}

class Row {
  public:
    Row(std::vector<Variable>& into, const Oid& arc, unsigned long table, Oid index)
        : into_(into), start_(arc), index_(std::move(index))
    {
        start_.push_back(mib::objects);
        start_.push_back(table);
        // A scalar has no entry, and 0 in place of an index.
        if (table != mib::daemon) start_.push_back(1);
    }

    void integer(unsigned long column, int64_t value) { add(column, Variable::Kind::integer).number = value; }
    void truth(unsigned long column, bool value) { integer(column, value ? 1 : 2); }
    void text(unsigned long column, std::string value)
    {
        add(column, Variable::Kind::text).text = cut(std::move(value), mib::most_text_bytes);
    }
    /// Nothing where there is no number. More than it can tell is told as the most that it can.
    void gauge(unsigned long column, const std::optional<double>& value)
    {
        if (value && !std::isnan(*value))
            add(column, Variable::Kind::gauge).number = std::llround(std::clamp(*value, 0.0, most_gauge));
    }
    void time(unsigned long column, const std::optional<double>& wall_ms)
    {
        // DateAndTime tells years to 65536.
        constexpr double latest_ms = 2e15;
        if (wall_ms && *wall_ms > 0 && *wall_ms < latest_ms)
            add(column, Variable::Kind::text).text = date_and_time(static_cast<int64_t>(*wall_ms));
    }
    /// Nothing where it is none of them. The variable that was added.
    template <size_t count>
    Variable* one_of(unsigned long column, const std::array<const char*, count>& all, const std::string& now)
    {
        const auto found = std::ranges::find(all, now);
        if (found == all.end()) return nullptr;
        Variable& variable = add(column, Variable::Kind::integer);
        variable.number = found - all.begin() + 1;
        return &variable;
    }

  private:
    Variable& add(unsigned long column, Variable::Kind kind)
    {
        Oid oid = start_;
        oid.push_back(column);
        oid.insert(oid.end(), index_.begin(), index_.end());
        return into_.emplace_back(Variable{.oid = std::move(oid), .kind = kind});
    }

    std::vector<Variable>& into_;
    Oid start_;
    const Oid index_;
};

/// What a host is to those that look from outside: a controller that is no member is one all the same.
std::string role_of(const Json& status)
{
    return text(at(status, "place"), "role");
}

void add_daemon(std::vector<Variable>& into, const Oid& arc, const Json& status)
{
    Row row(into, arc, mib::daemon, {0});
    row.text(mib::agent_version, BELAY_VERSION);
    row.truth(mib::connected, status.is_object());
    if (!status.is_object()) return;
    row.text(mib::daemon_version, text(status, "version"));
    row.text(mib::daemon_host, text(status, "host"));
    row.text(mib::daemon_role, role_of(status));
    row.time(mib::daemon_started, number(status, "started_ms"));
    row.truth(mib::daemon_maintenance, flag(status, "maintenance"));
    row.gauge(mib::configuration_version, number(at(status, "configuration"), "version"));
}

void add_load(Row& row, const Json& load)
{
    const Json& processor = at(load, "processor");
    row.gauge(mib::host_processors, number(processor, "count"));
    if (const auto user = number(processor, "user")) {
        const double busy =
            *user + number(processor, "system").value_or(0) + number(processor, "steal").value_or(0);
        row.gauge(mib::host_processor_busy, std::min(busy, 100.0));
    }
    const auto mebibytes = [](const std::optional<double>& bytes) {
        return bytes ? std::optional(*bytes / bytes_in_mebibyte) : std::nullopt;
    };
    row.gauge(mib::host_memory_total, mebibytes(number(at(load, "memory"), "total")));
    row.gauge(mib::host_memory_available, mebibytes(number(at(load, "memory"), "available")));
}

void add_hosts(std::vector<Variable>& into, const Oid& arc, const Json& status)
{
    const Json& place = at(status, "place");
    const Json& link = at(place, "link");
    const std::string own = link.is_object() ? text(link, "name") : text(status, "host");
    bool has_own = false;
    for (const Json& host : at(at(place, "controller"), "hosts")) {
        const std::string name = text(host, "name");
        if (name.empty()) continue;
        has_own = has_own || name == own;
        const Json& presence = at(host, "presence");
        Row row(into, arc, mib::hosts, index_by_name(name));
        row.one_of(mib::host_presence, mib::presences, text(presence, "state"));
        row.text(mib::host_role, text(host, "role"));
        row.time(mib::host_since, number(presence, "since_ms"));
        row.truth(mib::host_maintenance, flag(host, "maintenance"));
        row.text(mib::host_version, text(presence, "version"));
        // What this host says of itself is newer than what it has heard of itself.
        add_load(row, at(name == own ? status : host, "load"));
    }
    if (has_own || own.empty()) return;
    Row row(into, arc, mib::hosts, index_by_name(own));
    row.one_of(mib::host_presence, mib::presences, "self");
    row.text(mib::host_role, role_of(status));
    row.time(mib::host_since, number(status, "started_ms"));
    row.truth(mib::host_maintenance, flag(status, "maintenance"));
    row.text(mib::host_version, text(status, "version"));
    add_load(row, at(status, "load"));
}

void add_solutions(std::vector<Variable>& into, const Oid& arc, const Json& solutions)
{
    for (const Json& solution : solutions) {
        const std::string name = text(solution, "name");
        if (name.empty()) continue;
        Row row(into, arc, mib::solutions, index_by_name(name));
        row.one_of(mib::solution_state, mib::stands, text(solution, "stands"));
        const Json& members = at(solution, "applications");
        const auto started = std::ranges::count_if(
            members, [](const Json& member) { return text(member, "phase") == "started"; });
        row.gauge(mib::solution_applications, static_cast<double>(members.size()));
        row.gauge(mib::solution_started, static_cast<double>(started));
        row.text(mib::solution_description, text(solution, "description"));
    }
}

void add_operations(std::vector<Variable>& into, const Oid& arc, const Json& operations)
{
    for (const Json& operation : operations) {
        const std::string id = cut(text(operation, "id"), mib::most_id_bytes);
        if (id.empty()) continue;
        // With its length before it, so that 7 comes before 12.
        Oid index = index_by_name(id);
        index.insert(index.begin(), id.size());
        Row row(into, arc, mib::operations, std::move(index));
        row.text(mib::operation_procedure, text(operation, "procedure"));
        row.text(mib::operation_target, text(operation, "title"));
        row.one_of(mib::operation_state, mib::stages, text(operation, "state"));
        const auto left_ms = number(at(operation, "timer"), "left_ms");
        row.integer(mib::operation_deadline,
                    left_ms ? std::llround(std::clamp(*left_ms / 1000, 0.0, most_integer)) : -1);
        row.text(mib::operation_reason, text(operation, "reason"));
    }
}

void append(std::vector<Variable>& into, std::vector<Variable> more)
{
    std::ranges::move(more, std::back_inserter(into));
}

}  // namespace

std::string cut(std::string text, size_t most_bytes)
{
    if (text.size() <= most_bytes) return text;
    size_t end = most_bytes;
    // Back to the first byte of a character; what is not UTF-8 is cut where it is.
    constexpr size_t longest_character = 4;
    for (size_t back = 0; back < longest_character && end > 0; ++back) {
        if ((static_cast<unsigned char>(text[end]) & 0xC0U) != 0x80U) break;
        --end;
    }
    text.resize(end);
    return text;
}

std::vector<Variable> row_of_application(const Oid& arc, const Json& application)
{
    std::vector<Variable> variables;
    const std::string name = text(application, "name");
    if (name.empty()) return variables;
    Row row(variables, arc, mib::applications, index_by_name(name));
    row.text(mib::application_host, text(application, "host"));
    row.one_of(mib::application_phase, mib::phases, text(application, "phase"));
    if (Variable* const want = row.one_of(mib::application_want, mib::wants, text(application, "wanted")))
        want->application = name;
    row.time(mib::application_since, number(application, "since_ms"));
    row.gauge(mib::application_restarts, number(application, "restarts"));
    row.text(mib::application_role, text(application, "role"));
    row.text(mib::application_reason, text(application, "reason"));
    return variables;
}

std::vector<Variable> row_of_alarm(const Oid& arc, const Json& alarm)
{
    std::vector<Variable> variables;
    const double id = number(alarm, "number").value_or(0);
    if (id < 1 || id > most_gauge) return variables;
    Row row(variables, arc, mib::alarms, {static_cast<unsigned long>(id)});
    row.text(mib::alarm_condition, text(alarm, "alarm"));
    row.one_of(mib::alarm_severity, mib::severities, text(alarm, "severity"));
    row.text(mib::alarm_host, text(alarm, "host"));
    row.text(mib::alarm_application, text(alarm, "application"));
    row.text(mib::alarm_object, text(alarm, "object"));
    row.time(mib::alarm_since, number(alarm, "first_ms"));
    row.time(mib::alarm_last, number(alarm, "last_ms"));
    row.gauge(mib::alarm_count, number(alarm, "count"));
    row.truth(mib::alarm_acknowledged, text(alarm, "state") == "acknowledged");
    row.text(mib::alarm_text, text(alarm, "text"));
    return variables;
}

Picture::Picture(std::vector<Variable> variables) : variables_(std::move(variables))
{
    std::ranges::stable_sort(variables_, is_before, &Variable::oid);
    const auto twice = std::ranges::unique(variables_, {}, &Variable::oid);
    variables_.erase(twice.begin(), twice.end());
}

const Variable* Picture::find(OidView oid) const
{
    const Variable* const found = next(oid, true);
    return found != nullptr && std::ranges::equal(found->oid, oid) ? found : nullptr;
}

const Variable* Picture::next(OidView oid, bool inclusive) const
{
    const auto found = inclusive
                           ? std::ranges::lower_bound(variables_, oid, is_before,
                                                      [](const Variable& one) { return OidView(one.oid); })
                           : std::ranges::upper_bound(variables_, oid, is_before,
                                                      [](const Variable& one) { return OidView(one.oid); });
    return found == variables_.end() ? nullptr : &*found;
}

Picture picture_of(const Told& told, const Oid& arc)
{
    std::vector<Variable> all;
    add_daemon(all, arc, told.status);
    if (!told.status.is_object()) return Picture(std::move(all));
    add_hosts(all, arc, told.status);
    for (const Json& application : at(told.status, "applications"))
        append(all, row_of_application(arc, application));
    add_solutions(all, arc, at(told.status, "solutions"));
    add_operations(all, arc, at(at(told.status, "operations"), "unfinished"));
    for (const Json& alarm : at(told.alarms, "alarms")) append(all, row_of_alarm(arc, alarm));
    return Picture(std::move(all));
}

}  // namespace belay::site::snmp
