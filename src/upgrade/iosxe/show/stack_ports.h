#pragma once
// `show switch stack-ports`, with `summary` and `detail`, and `show switch stack-ring speed`: the cables of a
// stack.

#include "upgrade/iosxe/show/switches.h"

namespace belay::upgrade::iosxe::show {

/// One port of one member; of the three commands each tells a part.
struct StackPortState {
    std::string port;    ///< "1/2": member and port
    std::string status;  ///< "OK", "DOWN"
    std::string neighbour, cable_length;
    std::optional<bool> link_ok, link_active, sync_ok, loopback;
    std::optional<uint64_t> changes;
    std::optional<uint64_t> input_rate, output_rate;  ///< bytes a second, over five minutes
    std::optional<uint64_t> input, output;            ///< bytes
    std::optional<uint64_t> data_crc, ringword_crc, inverted_ringword, code_word;
};

struct StackPorts {
    std::vector<StackPortState> ports;  ///< at least one
};

/// Errors: corrupt.
Result<StackPorts> read_stack_ports(std::string_view text);
Result<StackPorts> read_stack_ports_summary(std::string_view text);
Result<StackPorts> read_stack_ports_detail(std::string_view text);

struct StackRing {
    std::string speed, configuration, protocol;  ///< "480G", "Full", "StackWise"
};

/// Errors: corrupt.
Result<StackRing> read_stack_ring(std::string_view text);

void to_json(nlohmann::json& json, const StackPorts& ports);
void to_json(nlohmann::json& json, const StackRing& ring);

}  // namespace belay::upgrade::iosxe::show
