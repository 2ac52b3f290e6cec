#pragma once
// pair.upgrade of a device that has no agent: a pair of Catalyst switches, or one with two supervisors.

#include "procedures/procedures.h"
#include "upgrade/iosxe/device.h"

namespace belay::procedures {

/// What this procedure rests on; it outlives it. Threads: any.
struct DeviceGround {
    /// How a device stands. Errors: as iosxe::look(); not_found.
    std::function<Result<upgrade::iosxe::DeviceLook>(const std::string& device)> look;
};

/// What pair.upgrade wants to be told besides, where the pair is a device.
std::vector<Argument> device_arguments();

/// Of the device in the argument "pair".
Result<operation::Plan> plan_device_upgrade(const DeviceGround& ground,
                                            const std::map<std::string, std::string>& arguments);

}  // namespace belay::procedures
