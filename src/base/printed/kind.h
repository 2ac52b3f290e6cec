#pragma once
// One kind of text that `belay parse` can read. Every domain has a table of its own.

#include "base/json.h"

namespace belay::printed {

struct Kind {
    std::string_view name;     ///< "mdadm-detail"; or with the family that it is of: "iosxe:show version"
    std::string_view summary;  ///< what the text is
    std::string_view example;  ///< the command that prints it
    Result<Json> (*parse)(std::string_view text);
};

/// What a text of this kind says, as JSON. Errors: corrupt, with the command that prints such a text.
Result<Json> parse_as(const Kind& kind, std::string_view text);

/// A parser's result as JSON, for tables of kinds.
template <auto parse>
Result<Json> as_json(std::string_view text)
{
    const auto parsed = TRY(parse(text));
    Json json;
    to_json(json, parsed);
    return json;
}

}  // namespace belay::printed
