#pragma once
// The file that the keys are in. It does not go by host::Host, whose contacts can be recorded: keys are in no
// recording, and in no memory that is not wiped.

#include "framework/configuration/seal.h"

namespace belay::framework::configuration {

/// Errors: not_found; permission, also where others than its owner may read or write it; corrupt (longer than
/// 64 KiB); io.
Result<Secret> read_key_file(const std::string& path);

/// Made beside it with mode 0600, synced, put in its place, the folder synced. Errors: those of the system.
Result<void> write_key_file(const std::string& path, std::string_view text);

}  // namespace belay::framework::configuration
