#pragma once
// Bytes in JSON: a text where they are UTF-8, {"base64":"..."} where they are not.

#include "base/result.h"

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace belay::host {

nlohmann::json encode_bytes(std::string_view bytes);

/// Errors: corrupt, without a name for the place.
Result<std::string> decode_bytes(const nlohmann::json& json);

}  // namespace belay::host
