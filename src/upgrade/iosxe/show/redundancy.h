#pragma once
// `show redundancy`: the two processors, what each runs and whether the other could take over.
// Source: outputs of Catalyst 9000 and 4500 and of ASR 1000; "High Availability Command Reference".

#include "base/result.h"

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::upgrade::iosxe::show {

struct RedundancyProcessor {
    std::string location;  ///< "slot 1", "slot 1/1"
    std::string state;     ///< "ACTIVE", "STANDBY HOT", "STANDBY COLD", ...
    std::string uptime;    ///< in this state
    std::string image;  ///< the whole line: "Cisco IOS Software [Cupertino], Catalyst L3 Switch Software ..."
    std::string version;  ///< in it: "17.9.5"
    std::string compiled, compiled_by;
    std::string boot, config_file, config_register, next_config_register;  ///< may be empty
};

struct Redundancy {
    std::string uptime;
    std::optional<uint64_t> switchovers, standby_failures;
    std::string last_switchover_reason;
    std::string hardware_mode;                    ///< "Duplex", "Simplex"
    std::string configured_mode, operating_mode;  ///< "sso", "Stateful Switchover", "Non-redundant"
    std::string maintenance_mode;
    std::string communications;         ///< "Up", "Down"
    std::string communications_reason;  ///< "Failure"; empty where they are up
    RedundancyProcessor active;
    std::optional<RedundancyProcessor> peer;  ///< nothing: the device has no information of it
    std::string peer_slot, peer_state;        ///< then: "1", "DISABLED"
};

/// Errors: corrupt, also where nothing is said of the peer.
Result<Redundancy> read_redundancy(std::string_view text);

void to_json(nlohmann::json& json, const Redundancy& redundancy);

}  // namespace belay::upgrade::iosxe::show
