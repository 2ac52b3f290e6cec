#pragma once
// JSON at the border: what comes from a file, a socket or the journal may be anything. The library throws on
// that; here it becomes an Error.

#include "base/result.h"

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace belay {

using Json = nlohmann::json;

/// Reads one JSON text, nested at most 64 deep. Errors: corrupt, with the byte where it stops making sense.
Result<Json> parse_json(std::string_view text);

/// One line of JSON. Bytes that are not UTF-8 (a tool may print anything) become the replacement character.
std::string json_text(const Json& json);

/// `json` as a T by its from_json. Errors: corrupt, naming the field that is missing or of the wrong type.
template <typename T>
Result<T> from_json_value(const Json& json)
{
    try {
        return json.get<T>();
    } catch (const Json::exception& problem) {
        return fail(ErrorKind::corrupt, problem.what());
    }
}

/// A text as a T: parse_json and from_json_value in one.
template <typename T>
Result<T> from_json_text(std::string_view text)
{
    return from_json_value<T>(TRY(parse_json(text)));
}

}  // namespace belay
