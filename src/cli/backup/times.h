#pragma once
// Points in time as people type them.

#include "backup/repository/timestamp.h"

namespace belay::cli {

/// "2026-11-26", "2026-11-26 14:20", "2026-11-26 14:20:59" in the time of this host, or RFC 3339. Errors:
/// usage, naming the option.
Result<backup::Timestamp> read_time(const char* option, const std::string& text);

}  // namespace belay::cli
