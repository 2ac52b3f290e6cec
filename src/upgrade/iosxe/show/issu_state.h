#pragma once
// `show issu state detail`: whether an in-service upgrade is under way, and how far it is.
// Source: outputs of Catalyst 9000 (16.9 to 17.x), 4500 and 6500; "High Availability Configuration Guide".

#include "upgrade/iosxe/show/install_summary.h"

namespace belay::upgrade::iosxe::show {

/// "Activate location standby Chassis 2", "2019-02-08:09:28:32".
struct IssuOperation {
    std::string name, started;
};

/// A line of the system checks that 17.x prints: "Standby Online", "Yes".
struct IssuCheck {
    std::string name, status;
};

/// What a Catalyst 4500 or 6500 says of each of its supervisors; its words are its own.
struct IssuSlot {
    std::string slot, rp_state, issu_state, boot_variable, operating_mode;
    std::string primary_version, secondary_version, current_version, variable_store;
    std::string original_image, target_image, standby_version;
};

struct IssuState {
    bool in_progress = false;       ///< of supervisors with slots: one is in another state than "Init"
    std::string location;           ///< of the lock, "switch 1", "R0"; may be empty
    std::string status, previous;   ///< 17.x: "Enabled"; "Successful", "N/A"
    std::vector<IssuCheck> checks;  ///< 17.x
    std::string operation_type;     ///< "Step-by-step ISSU", "One-shot ISSU"
    std::string install_type;       ///< "Image installation using ISSU"
    std::string current_state;      ///< "Added", "Standby activated", "Activated", ...: without " state"
    std::string last_operation;     ///< "Switchover"
    std::vector<IssuOperation> completed;
    std::vector<std::string> transitions;  ///< "Added", "Standby activated", "Active switched-over"
    std::optional<AutoAbortTimer> timer;   ///< `operation` has "automatic" or the like
    std::string rollback_reason;           ///< why the timer is inactive, where that is said
    std::string modified_slot, loadversion_time, notes;  ///< of an ASR 1000: "R1"; it has no `current_state`
    std::string original_image, running_image;
    std::string operating_mode;    ///< "sso"
    std::optional<bool> terminal;  ///< "terminal state reached", or not
    std::vector<IssuSlot> slots;
};

/// Errors: corrupt, also where an operation is in progress and the text does not say all of it.
Result<IssuState> read_issu_state(std::string_view text);

void to_json(nlohmann::json& json, const IssuState& state);

}  // namespace belay::upgrade::iosxe::show
