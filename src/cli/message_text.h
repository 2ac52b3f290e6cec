#pragma once
// Messages as a person reads them.

#include "base/json.h"
#include "cli/style.h"

#include <vector>

namespace belay::cli {

/// A line each, more where one is long; empty where there are none. With hosts where they are of several, or
/// where `with_host` says so.
///
///     2026-11-29 14:13:20.123 alarm       pinger on web1: pinger has failed (03-00020)
std::string messages_text(const Style& style, const std::vector<Json>& messages, bool with_host);

}  // namespace belay::cli
