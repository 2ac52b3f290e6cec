#pragma once
// `show issu rollback-timer`: whether the device would roll back by itself, and when.

#include "upgrade/iosxe/show/install_summary.h"

namespace belay::upgrade::iosxe::show {

struct IssuRollback {
    std::string location;  ///< of the lock: "R0"; may be empty
    AutoAbortTimer timer;
    std::string reason;  ///< why it is inactive: "no ISSU operation is in progress"
    std::optional<std::string> process_state, configured_time,
        automatic_time;  ///< of a Catalyst 4500 or 6500
};

/// Errors: corrupt.
Result<IssuRollback> read_issu_rollback(std::string_view text);

void to_json(nlohmann::json& json, const IssuRollback& rollback);

}  // namespace belay::upgrade::iosxe::show
