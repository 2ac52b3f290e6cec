#pragma once
// What is mounted now, as the kernel tells it. Source: findmnt(8), proc(5).

#include "host/host.h"
#include "storage/model.h"

namespace belay::storage {

/// What is mounted from block devices, in the order in which it was mounted, and the swap in use.
/// Errors: those of the host and of the parsers.
Result<std::vector<Mount>> read_mounts(host::Host& host);

/// The kernel name of the device that is mounted on a folder; nothing: none is.
Result<std::optional<std::string>> mounted_on(host::Host& host, std::string_view folder);

}  // namespace belay::storage
