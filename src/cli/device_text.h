#pragma once
// Devices as a person reads them. They are as the methods DeviceList and DeviceLook tell them
// (docs/protocol.md).

#include "base/json.h"
#include "cli/style.h"

#include <string>
#include <vector>

namespace belay::cli {

std::string devices_text(const Style& style, const Json& devices);
std::string device_text(const Style& style, const Json& device);

/// Of an upgrade of this device, in its own fields: what it runs, how far its own operation is.
std::vector<std::vector<std::string>> device_rows(const Style& style, const Json& device);

}  // namespace belay::cli
