#pragma once
// `show redundancy states`, `show redundancy switchover history` and `show redundancy config-sync failures`.

#include "base/result.h"

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::upgrade::iosxe::show {

struct RedundancyStates {
    std::string my_state, peer_state;            ///< "ACTIVE", "STANDBY HOT", "DISABLED"
    std::optional<uint64_t> my_code, peer_code;  ///< 13, 8, 1
    std::string mode, unit;                      ///< "Duplex", "Primary"
    std::optional<uint64_t> unit_id;
    std::string operational_mode, configured_mode, state;  ///< "sso"
    std::string maintenance_mode, manual_switchover;
    std::string communications, communications_reason;
    std::optional<uint64_t> client_count;
    std::optional<uint64_t> client_notification, keep_alive;  ///< milliseconds
    std::optional<uint64_t> keep_alive_count, keep_alive_threshold;
};

/// Errors: corrupt.
Result<RedundancyStates> read_redundancy_states(std::string_view text);

struct Switchover {
    uint64_t index = 0;
    std::optional<uint64_t> previous_active, current_active;
    std::string reason, time;
};

struct SwitchoverHistory {
    std::vector<Switchover> switchovers;  ///< at least one
};

/// Errors: corrupt, also where no switchover is in it: a heading alone may be a text that was cut.
Result<SwitchoverHistory> read_switchover_history(std::string_view text);

/// What could not be brought into step between the two configurations.
struct ConfigSyncFailures {
    std::string title;               ///< "Mismatched Command List"
    std::vector<std::string> lines;  ///< empty: the device says that the list is
};

/// Errors: corrupt.
Result<ConfigSyncFailures> read_config_sync_failures(std::string_view text);

void to_json(nlohmann::json& json, const RedundancyStates& states);
void to_json(nlohmann::json& json, const SwitchoverHistory& history);
void to_json(nlohmann::json& json, const ConfigSyncFailures& failures);

}  // namespace belay::upgrade::iosxe::show
