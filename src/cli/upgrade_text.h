#pragma once
// What an upgrade is about, as a person reads it: what its members run, and how their pairs stand. Pairs are
// as the method Pairs tells them (docs/protocol.md).

#include "base/json.h"
#include "cli/style.h"

#include <string>
#include <string_view>
#include <vector>

namespace belay::cli {

/// What kind of installation a procedure is; empty: none.
std::string install_type_text(std::string_view procedure);

/// Those of `pairs` whose members the plan of this operation names; an operation that has ended has none.
Json pairs_of_upgrade(const Json& view, const Json& pairs);

/// A line for each member that is known of here: "server-1 on web1: shop 2.0".
std::vector<std::string> running_images(const Style& style, const Json& pair);

/// "hot, both ready, server-2 serves"
std::string operating_mode_text(const Style& style, const Json& pair);

}  // namespace belay::cli
