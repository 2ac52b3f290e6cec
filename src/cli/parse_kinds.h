#pragma once
// All kinds of text that `belay parse` reads, of every domain.

#include "base/printed/kind.h"

namespace belay::cli {

/// Those of storage, then those of Catalysts.
std::vector<const printed::Kind*> parse_kinds();

/// A kind that takes arguments may be followed by them. Null where there is none of this name.
const printed::Kind* parse_kind_named(std::string_view name);

/// The kinds that there are, with what prints them, for the help of `parse`.
std::string parse_kinds_text();

/// "there are: mdstat, ..., and 45 of Catalysts, as \"iosxe:show version\"".
std::string parse_kinds_there_are();

}  // namespace belay::cli
