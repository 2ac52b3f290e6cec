#pragma once
// What checks and gates ask of a device: device_actions.h has their names.

#include "operation/action.h"
#include "upgrade/iosxe/console.h"

namespace belay::upgrade::iosxe {

void add_device_conditions(operation::Catalogue& catalogue, Console& console);

/// Of each member release, mode and packages with their states.
operation::Fingerprint fingerprint_of(const DeviceLook& look);

}  // namespace belay::upgrade::iosxe
