#pragma once
// `show module`: the cards of a chassis, or of each chassis of a StackWise Virtual pair.

#include "base/result.h"

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::upgrade::iosxe::show {

struct Module {
    uint64_t number = 0, ports = 0;
    std::string card, model, serial;
    std::string mac_from, mac_to, hardware, firmware, software, status;  ///< empty of a blank one
    std::string role;                                                ///< of a supervisor: "Active", "Standby"
    std::string operating_mode, configured_mode, redundancy_status;  ///< "sso"; "Standby Hot"
};

struct ModuleChassis {
    std::optional<uint64_t> number;  ///< nothing: there is one chassis
    std::vector<Module> modules;
};

struct MacRange {
    std::optional<uint64_t> chassis;
    uint64_t count = 0;
    std::string from, to;
};

struct Modules {
    std::string chassis_type;
    std::string power;  ///< "40 Watts"; of older ones
    std::vector<ModuleChassis> chassis;
    std::vector<MacRange> mac_ranges;
    std::string power_supply_failure;  ///< "bad/off (see 'show power')"
};

/// Errors: corrupt.
Result<Modules> read_modules(std::string_view text);

void to_json(nlohmann::json& json, const Modules& modules);

}  // namespace belay::upgrade::iosxe::show
