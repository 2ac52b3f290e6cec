#pragma once
// What `belay parse` can read: a table of kinds.

#include "base/json.h"

#include <functional>
#include <span>

namespace belay::storage::parse {

struct Kind {
    std::string_view name;     ///< "mdadm-detail"; later ones may hold blanks
    std::string_view summary;  ///< what the text is
    std::string_view example;  ///< the command that prints it
    Result<Json> (*parse)(std::string_view text);
};

std::span<const Kind> kinds();
/// Null where there is none of this name.
const Kind* kind_named(std::string_view name);

/// What a text of this kind says, as JSON. Errors: corrupt, with the command that prints such a text.
Result<Json> parse_as(const Kind& kind, std::string_view text);

}  // namespace belay::storage::parse
