#pragma once
// Fields of what belayd tells. One that is missing, or of another kind, is nothing: a daemon of another
// version is still told of.

#include "base/json.h"

#include <optional>
#include <string>

namespace belay::site::snmp {

/// A field of an object; null where it has none, or is no object.
inline const Json& at(const Json& json, const char* name)
{
    static const Json nothing;
    if (!json.is_object()) return nothing;
    const auto found = json.find(name);
    return found == json.end() ? nothing : *found;
}

/// Empty where it is no text.
inline std::string text(const Json& json, const char* name)
{
    const Json& value = at(json, name);
    return value.is_string() ? value.get<std::string>() : "";
}

inline std::optional<double> number(const Json& json, const char* name)
{
    const Json& value = at(json, name);
    return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
}

inline bool flag(const Json& json, const char* name)
{
    const Json& value = at(json, name);
    return value.is_boolean() && value.get<bool>();
}

}  // namespace belay::site::snmp
