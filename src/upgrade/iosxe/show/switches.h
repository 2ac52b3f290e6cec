#pragma once
// `show switch`, `show switch detail`: the members of a stack or of a StackWise Virtual pair.

#include "base/result.h"

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::upgrade::iosxe::show {

struct StackPort {
    std::string status;                 ///< "OK", "DOWN"
    std::optional<uint64_t> neighbour;  ///< the member on the other end
};

struct SwitchMember {
    uint64_t number = 0;
    bool answers = false;  ///< the star: the one that the terminal is on
    std::string role;      ///< "Active", "Standby", "Member", "Master"
    std::string mac;
    uint64_t priority = 0;
    std::string hardware;          ///< "V01"; may be empty
    std::string state;             ///< "Ready", "Provisioned", "HA sync in progress", "V-Mismatch"
    std::vector<StackPort> ports;  ///< `show switch detail` of a stack: two
};

struct Switches {
    std::string mac, mac_persistency;  ///< of the stack; "Indefinite"
    std::vector<SwitchMember> members;

    /// Null where there is none of this number.
    const SwitchMember* of(uint64_t number) const;
};

/// Errors: corrupt.
Result<Switches> read_switches(std::string_view text, std::string_view command = "show switch");

void to_json(nlohmann::json& json, const Switches& switches);

}  // namespace belay::upgrade::iosxe::show
