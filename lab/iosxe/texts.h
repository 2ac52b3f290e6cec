#pragma once
// Every word that the device says, as templates: what a person reads on its line. Nothing here decides
// anything. Source of the words: Cisco's page "In-Service Software Upgrade on Catalyst 3850, Catalyst 9000
// series switches" (releases 16.9) and the command references of 16.12 to 17.12; what they do not show is in
// the same manner.

#include "iosxe/state.h"

#include <span>

namespace belay::lab::iosxe::text {

/// "Fri Feb 8 09:22:00 jst 2019".
std::string stamp(Time now, std::string_view zone);
/// "*Feb  8 09:22:02.055 jst: "; without the zone where it is UTC.
std::string log_stamp(Time now, std::string_view zone);
/// "Feb  8 09:48:33.364: ", of what speaks from below IOS.
std::string bare_stamp(Time now);
/// "2019-02-08:09:28:32", as show issu state detail has it.
std::string issu_stamp(Time now);

/// How the install engine calls a task: "install_add".
std::string_view name_of(Task task);
/// "switch" or "chassis"; capital: "Switch".
std::string_view unit(Kind kind);
std::string_view capital_unit(Kind kind);
/// Who speaks in a system message: "Switch 1 R0/0", "Chassis 1 R1/0".
std::string engine(const State& state, int member);

/// A version in the forms that the device has for it: "16.9.3.0.3127" is "16.9.3" and "16.09.03".
struct Version {
    std::string full;
    std::string running;  ///< "16.9.3"
    std::string padded;   ///< "16.09.03"
    int major = 0;
};
Version version_of(std::string_view full);
/// From release 17 on the device asks before it reloads, and shows the checks of a system.
bool is_17(std::string_view version);

// What the install engine says. Members are by their numbers.
std::string start(Task task, Time now, std::string_view zone);
std::string success(Task task, Time now, std::string_view zone);
/// How an add begins and ends; of these releases 16 and 17 speak each in their manner.
std::string adding(const Job& job);
std::string added(const Job& job, Time now, std::string_view zone);
std::string failed(Task task, int code, Time now, std::string_view zone);
std::string sync_begins(const Job& job, Kind kind);
std::string sync_ends(const Job& job, Kind kind);
std::string sync_failed(const Job& job, Kind kind);
std::string add_begins();
std::string stage(int number);
std::string step_begins(std::string_view step, int member);
std::string step_on(std::string_view step, int member, Kind kind);
std::string step_done_on(std::string_view step, int member, Kind kind);
std::string step_ends(std::string_view step, std::span<const int> passed, std::span<const int> lost);
std::string sanity_begins();
std::string verifying(std::string_view what);
std::string sanity_ends();

// System messages, without their stamp.
std::string started(const State& state, int member, std::string_view what);
std::string completed(const State& state, int member, std::string_view what);
/// The same two from below IOS: of whichever member, it is "R0/0" to itself.
std::string started_below(const State& state, int member, std::string_view what);
std::string completed_below(const State& state, int member, std::string_view what);
std::string timer_runs(const State& state, int member, Milliseconds left);
std::string timer_expired(const State& state, int member);
inline constexpr std::string_view versions_differ = "%REDUNDANCY-3-IPC: IOS versions do not match.";
inline constexpr std::string_view synchronized =
    "%HA_CONFIG_SYNC-6-BULK_CFGSYNC_SUCCEED: Bulk Sync succeeded";
inline constexpr std::string_view terminal_state =
    "%RF-5-RF_TERMINAL_STATE: Terminal state reached for (SSO)";
std::string became_active(int count);
inline constexpr std::string_view one_shot_finished =
    "%IOSXEBOOT-4-ISSU_ONE_SHOT: (rp/0): ISSU finished successfully";

// What is answered to show and its kin; each ends with a line's end.
std::string version(const State& state, Time now);
std::string install_summary(const State& state, Time now, std::string_view states);
std::string issu_state(const State& state, Time now);
std::string rollback_timer(const State& state, Time now);
std::string redundancy(const State& state, Time now);
std::string redundancy_states(const State& state);
std::string boot(const State& state);
std::string boot_system(const State& state);
std::string directory(const State& state, const Member& member, std::string_view name);
std::string switches(const State& state);
std::string stackwise_virtual(const State& state);
std::string stackwise_virtual_link(const State& state);
std::string clock(const State& state, Time now);
std::string modules(const State& state);
std::string verified(std::string_view file, std::string_view algorithm, std::string_view found,
                     std::string_view wanted);
std::string removable(const State& state, Time now);

// What a copy from a web server says.
inline constexpr std::string_view no_such_file = "No such file or directory";
inline constexpr std::string_view io_error = "I/O error";
inline constexpr std::string_view connection_reset = "Connection reset by peer";
inline constexpr std::string_view no_space_left = "Not enough space on device";
inline constexpr std::string_view resource_busy = "Device or resource busy";
std::string accessing(std::string_view url);
std::string loading(std::string_view url);
std::string copied(uint64_t bytes, Milliseconds took);
/// `doing`: "opening", "reading", "copying".
std::string copy_failed(std::string_view doing, std::string_view url, std::string_view why);

// Questions.
inline constexpr std::string_view may_reload =
    "This operation may require a reload of the system. Do you want to proceed? [y/n]";
inline constexpr std::string_view may_remove = "Do you want to remove the above files? [y/n]";
inline constexpr std::string_view unsaved_configuration =
    "System configuration has been modified.\nPress Yes(y) to save the configuration and proceed.\n"
    "Press No(n) for proceeding without saving the configuration.\n"
    "Press Quit(q) to exit, you may save configuration and re-enter the command. [y/n/q]";

}  // namespace belay::lab::iosxe::text
