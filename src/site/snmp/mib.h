#pragma once
// The numbers of BELAY-MIB (packaging/mibs/BELAY-MIB.txt). They are never used again for something else.

#include <array>

namespace belay::site::snmp::mib {

/// Below the arc.
inline constexpr unsigned long notifications = 0;
inline constexpr unsigned long objects = 1;

/// Below objects.
enum Table : unsigned long { daemon = 1, hosts, applications, solutions, operations, alarms };

enum DaemonScalar : unsigned long {
    agent_version = 1,
    connected,
    daemon_version,
    daemon_host,
    daemon_role,
    daemon_started,
    daemon_maintenance,
    configuration_version,
    notification_object,
};

// The first column of each table is its index, which is not told.
enum HostColumn : unsigned long {
    host_presence = 2,
    host_role,
    host_since,
    host_maintenance,
    host_version,
    host_processors,
    host_processor_busy,
    host_memory_total,
    host_memory_available,
};
enum ApplicationColumn : unsigned long {
    application_host = 2,
    application_phase,
    application_want,
    application_since,
    application_restarts,
    application_role,
    application_reason,
};
enum SolutionColumn : unsigned long {
    solution_state = 2,
    solution_applications,
    solution_started,
    solution_description,
};
enum OperationColumn : unsigned long {
    operation_procedure = 2,
    operation_target,
    operation_state,
    operation_deadline,
    operation_reason,
};
enum AlarmColumn : unsigned long {
    alarm_condition = 2,
    alarm_severity,
    alarm_host,
    alarm_application,
    alarm_object,
    alarm_since,
    alarm_last,
    alarm_count,
    alarm_acknowledged,
    alarm_text,
};

/// Below notifications.
enum NotificationNumber : unsigned long { alarm_raised = 1, alarm_cleared, application_up, application_down };

// Texts of belayd in the order of the MIB's numbers, from 1.
inline constexpr std::array presences = {"attached", "silent", "gone", "never", "self"};
inline constexpr std::array phases = {"stopped",     "waiting",    "starting",  "started",
                                      "unavailable", "suspending", "suspended", "stopping",
                                      "failed",      "standby",    "unknown"};
/// As belayd calls start, stop and suspend.
inline constexpr std::array wants = {"running", "stopped", "suspended"};
inline constexpr std::array stands = {"stopped", "starting", "started", "degraded", "impaired", "stopping"};
inline constexpr std::array stages = {"planned",   "adding",     "added",    "activating",
                                      "activated", "committing", "aborting", "held"};
inline constexpr std::array severities = {"critical", "major", "minor"};

inline constexpr size_t most_text_bytes = 255;
inline constexpr size_t most_name_bytes = 100;
inline constexpr size_t most_id_bytes = 32;

}  // namespace belay::site::snmp::mib
