#pragma once
// What a field of an answer says, or that it says nothing.

#include "base/json.h"

#include <string>

namespace belay::daemon {

/// Empty, where it is no text, or not there.
inline std::string text_in(const Json& json, const char* field)
{
    const auto found = json.find(field);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace belay::daemon
