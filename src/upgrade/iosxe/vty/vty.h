#pragma once
// belay-vty: one terminal's line of a device, from login to its end.

#include "upgrade/iosxe/vty/request.h"

#include <nlohmann/json_fwd.hpp>

namespace belay::upgrade::iosxe::vty {

/// Is told every answer of request.h as it is there.
using Tell = std::function<void(const nlohmann::json&)>;

/// Carries a request out. True: all of it was done. Threads: one at a time.
bool carry_out(const Request& request, const Tell& tell);

}  // namespace belay::upgrade::iosxe::vty
