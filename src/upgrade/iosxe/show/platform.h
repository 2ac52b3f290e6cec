#pragma once
// `show platform`: the slots of a chassis, or the switches of a stack.

#include "base/result.h"

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::upgrade::iosxe::show {

struct PlatformSlot {
    std::string slot;            ///< "R0", "1/0"
    std::string type, state;     ///< "C9500-32QC"; "ok, active"
    std::string inserted;        ///< how long ago: "3w5d", "00:01:37"
    std::string cpld, firmware;  ///< may be empty
};

struct PlatformSwitch {
    std::optional<uint64_t> number, ports;
    std::string model, serial, mac, hardware, version;  ///< empty of one that is only provisioned
    std::string role, state;
    std::optional<uint64_t> priority;
    std::optional<bool> answers;  ///< the star
};

struct Platform {
    std::string chassis;  ///< empty of a stack
    std::vector<PlatformSlot> slots;
    std::string mac, mac_persistency;
    std::vector<PlatformSwitch> switches;
};

/// Errors: corrupt.
Result<Platform> read_platform(std::string_view text);

void to_json(nlohmann::json& json, const Platform& platform);

}  // namespace belay::upgrade::iosxe::show
