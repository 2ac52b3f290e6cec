#pragma once
// What all tables of packages have in common, and the words of the abort timer.

#include "upgrade/iosxe/show/fields.h"
#include "upgrade/iosxe/show/install_summary.h"

namespace belay::upgrade::iosxe::show {

/// "State (St): I - Inactive, U - ..." and the line after it.
bool is_legend(std::string_view text);
/// "Type  St   Filename/Version".
bool is_package_heading(std::string_view text);
/// "IMG   C    17.09.05.0.6083". Nothing where it is something else.
std::optional<InstalledPackage> package_of(std::string_view text);
/// "Switch 1 2" is 1 and 2; "R0 R1"; "Chassis 1/R0 2/R0". Empty where a word is no member, or
/// where there are too many.
std::vector<std::string> members_of(std::string_view place);
/// "inactive"; "active on install_activate, time before rollback - 01:49:42"; "automatic, remaining time
/// before rollback: 01:43:55". Nothing where it is something else or is not whole.
std::optional<AutoAbortTimer> auto_abort_timer_of(std::string_view text);

/// "inactive, no ISSU operation is in progress", and what the timer says without a reason.
struct Rollback {
    AutoAbortTimer timer;
    std::string reason;  ///< why it is inactive; may be empty
};
std::optional<Rollback> rollback_of(std::string_view text);

/// "--- Starting local lock acquisition on switch 1 ---", which `issu` commands begin with: "switch 1".
std::optional<std::string_view> lock_location_of(std::string_view text);

Json json_of(const std::vector<InstalledPackage>& packages);

}  // namespace belay::upgrade::iosxe::show
