#pragma once
// What `belay parse` can read of storage: a table of kinds.

#include "base/printed/kind.h"

#include <span>

namespace belay::storage::parse {

using printed::Kind;
using printed::parse_as;

std::span<const Kind> kinds();
/// Null where there is none of this name.
const Kind* kind_named(std::string_view name);

}  // namespace belay::storage::parse
