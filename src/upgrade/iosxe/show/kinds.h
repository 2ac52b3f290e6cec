#pragma once
// What `belay parse` can read of a Catalyst: a table of kinds, "iosxe:" and the command that prints the text.

#include "base/printed/kind.h"

#include <span>

namespace belay::upgrade::iosxe::show {

/// In the order of their names.
std::span<const printed::Kind> kinds();

/// By the command as it is typed: "iosxe:dir stby-flash:" is the kind "iosxe:dir", which takes arguments.
/// Null where there is none.
const printed::Kind* kind_named(std::string_view name);

}  // namespace belay::upgrade::iosxe::show
