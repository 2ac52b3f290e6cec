#pragma once
// `show stackwise-virtual`, with `link`, `neighbors` and `dual-active-detection pagp`: what makes two chassis
// one switch.
// Source: "High Availability Configuration Guide (Catalyst 9500 Switches)", Cisco StackWise Virtual.

#include "base/result.h"

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::upgrade::iosxe::show {

struct SvlPort {
    uint64_t member = 0, link = 0;  ///< switch; number of the StackWise Virtual link
    std::string port;               ///< "HundredGigE1/0/1"
    std::string link_status;        ///< `link`: "U", "D"
    std::string protocol_status;    ///< `link`: "P" (bundled), "S", "E", "T", ...
    std::string remote_port;        ///< `neighbors`; empty: none
};

struct StackwiseVirtual {
    bool enabled = false;
    std::optional<uint64_t> domain;
    std::vector<SvlPort> ports;  ///< empty only where it is disabled
};
struct SvlPorts {
    std::vector<SvlPort> ports;  ///< at least one
};

/// A port by which a switch beside the pair tells it that both are active.
struct PagpPort {
    uint64_t channel_group = 0;
    std::string port;
    std::optional<bool> capable;
    std::string partner, partner_port, partner_version;
};

struct DualActivePagp {
    std::optional<bool> enabled, in_recovery, recovery_reload;
    std::vector<PagpPort> ports;
};

/// Errors: corrupt.
Result<StackwiseVirtual> read_stackwise_virtual(std::string_view text);
Result<SvlPorts> read_svl_links(std::string_view text);
Result<SvlPorts> read_svl_neighbours(std::string_view text);
Result<DualActivePagp> read_dual_active_pagp(std::string_view text);

void to_json(nlohmann::json& json, const StackwiseVirtual& virtual_stack);
void to_json(nlohmann::json& json, const SvlPorts& ports);
void to_json(nlohmann::json& json, const DualActivePagp& detection);

}  // namespace belay::upgrade::iosxe::show
