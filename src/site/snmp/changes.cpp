#include "site/snmp/changes.h"

#include "site/snmp/fields.h"
#include "site/snmp/mib.h"

#include <algorithm>
#include <array>

namespace belay::site::snmp {
namespace {

// As BELAY-MIB's OBJECTS.
constexpr std::array<unsigned long, 7> of_an_alarm = {
    mib::alarm_condition, mib::alarm_severity, mib::alarm_host, mib::alarm_application,
    mib::alarm_object,    mib::alarm_count,    mib::alarm_text};
constexpr std::array<unsigned long, 3> of_an_application = {mib::application_host, mib::application_phase,
                                                            mib::application_reason};

/// Whether it is up or down by its phase; nothing: it stays as it was, as while it is being stopped.
std::optional<bool> up_by(const std::string& phase)
{
    if (phase == "started") return true;
    for (const char* const down : {"stopped", "waiting", "starting", "failed", "unavailable"}) {
        if (phase == down) return false;
    }
    return std::nullopt;
}

/// Of a row, these columns in this order.
template <size_t count>
void add_columns(std::vector<Variable>& into, const std::vector<Variable>& row, size_t column_at,
                 const std::array<unsigned long, count>& columns)
{
    for (const unsigned long column : columns) {
        const auto found =
            std::ranges::find_if(row, [&](const Variable& one) { return one.oid.at(column_at) == column; });
        if (found != row.end()) into.push_back(*found);
    }
}

}  // namespace

Notification Changes::of_application(unsigned long which, const Json& application) const
{
    Notification notification{.number = which};
    Oid name = arc_;
    for (const unsigned long number : {mib::objects, static_cast<unsigned long>(mib::daemon),
                                       static_cast<unsigned long>(mib::notification_object), 0UL})
        name.push_back(number);
    notification.variables.push_back({.oid = std::move(name),
                                      .kind = Variable::Kind::text,
                                      .number = 0,
                                      .text = cut(text(application, "name"), mib::most_name_bytes)});
    add_columns(notification.variables, row_of_application(arc_, application), arc_.size() + 3,
                of_an_application);
    return notification;
}

Notification Changes::of_alarm(unsigned long which, const Json& alarm) const
{
    Notification notification{.number = which};
    add_columns(notification.variables, row_of_alarm(arc_, alarm), arc_.size() + 3, of_an_alarm);
    return notification;
}

std::vector<Notification> Changes::of_applications(const Json& applications)
{
    std::vector<Notification> notifications;
    if (!applications.is_array()) return notifications;
    std::map<std::string, Seen> now;
    for (const Json& application : applications) {
        const std::string name = text(application, "name");
        if (name.empty()) continue;
        const auto before = applications_.find(name);
        const bool was_up = before != applications_.end() && before->second.is_up;
        const Seen seen{.is_up = up_by(text(application, "phase")).value_or(was_up),
                        .restarts = number(application, "restarts").value_or(0)};
        // Of several with one name the first counts, as in a picture.
        if (!now.try_emplace(name, seen).second) continue;
        // One that was not known before may have been up for long, and be known anew.
        if (before == applications_.end()) continue;
        // One that was started anew so fast that it was never seen down.
        const bool fell = was_up && seen.is_up && seen.restarts > before->second.restarts;
        if (fell || (was_up && !seen.is_up))
            notifications.push_back(of_application(mib::application_down, application));
        if (fell || (!was_up && seen.is_up))
            notifications.push_back(of_application(mib::application_up, application));
    }
    applications_ = std::move(now);
    return notifications;
}

std::vector<Notification> Changes::of_alarms(const Json& alarms)
{
    std::vector<Notification> notifications;
    if (!alarms.is_array()) return notifications;
    std::map<double, Json> now;
    for (const Json& alarm : alarms) {
        if (const auto id = number(alarm, "number")) now.try_emplace(*id, alarm);
    }
    if (has_alarms_) {
        for (const auto& [id, alarm] : alarms_) {
            if (!now.contains(id)) notifications.push_back(of_alarm(mib::alarm_cleared, alarm));
        }
        for (const auto& [id, alarm] : now) {
            if (!alarms_.contains(id)) notifications.push_back(of_alarm(mib::alarm_raised, alarm));
        }
    }
    alarms_ = std::move(now);
    has_alarms_ = true;
    return notifications;
}

}  // namespace belay::site::snmp
